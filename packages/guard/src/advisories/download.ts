import { createWriteStream, mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CodedError, messageOf } from "@flotilla/base/errors";

/** The largest `all.zip` known is about 1 GB. */
const MAX_DOWNLOAD_BYTES = 4 * 2 ** 30;

/** What is fetched of a bucket: the OSV ecosystems whose packages we read. */
export const DEFAULT_ECOSYSTEMS: readonly string[] = ["npm", "PyPI", "Go", "Debian", "Ubuntu"];

export interface DownloadOptions {
  /** `http(s)://…` of a `.zip` or `.json`, or of a bucket that holds `<ecosystem>/all.zip`. */
  readonly url: string;
  /** Of a bucket: which ecosystems. */
  readonly ecosystems?: readonly string[];
  readonly fetch: typeof fetch;
  readonly onProgress?: (url: string, bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** A folder in the system's temporary folder with what was fetched, in an OSV bucket's layout; gone when disposed. */
export interface Downloaded extends AsyncDisposable {
  readonly folder: string;
}

/** Whether `location` is to be fetched. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** Fetches advisories to import from. Throws `download-failed` with the address and the reason. */
export async function downloadAdvisories(options: DownloadOptions): Promise<Downloaded> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-advisories-"));
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    for (const { url, name } of filesOf(options)) await fetchTo(url, join(folder, name), options);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: dispose };
}

function filesOf({ url, ecosystems = DEFAULT_ECOSYSTEMS }: DownloadOptions): { url: string; name: string }[] {
  const { pathname } = new URL(url);
  if (pathname.endsWith(".zip")) return [{ url, name: "all.zip" }];
  if (pathname.endsWith(".json")) return [{ url, name: "document.json" }];
  const scores = /\.csv(?:\.gz)?$/.exec(pathname);
  if (scores !== null) return [{ url, name: `scores${scores[0]}` }];
  const base = url.replace(/\/+$/, "");
  return ecosystems.map((ecosystem, index) => ({
    url: `${base}/${encodeURIComponent(ecosystem)}/all.zip`,
    name: `${index}/all.zip`,
  }));
}

async function fetchTo(url: string, path: string, options: DownloadOptions): Promise<void> {
  const response = await request(url, options);
  if (!response.ok || response.body === null)
    throw new CodedError("download-failed", `${url} answered ${response.status} ${response.statusText}`.trim());
  mkdirSync(dirname(path), { recursive: true });
  const { onProgress, signal } = options;
  let bytes = 0;
  const bound = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onProgress?.(url, bytes);
      if (bytes > MAX_DOWNLOAD_BYTES) done(new CodedError("download-failed", `${url} is larger than is read`));
      else done(null, chunk);
    },
  });
  await pipeline(response.body, bound, createWriteStream(path), signal === undefined ? {} : { signal });
}

async function request(url: string, options: DownloadOptions): Promise<Response> {
  try {
    return await options.fetch(url, options.signal === undefined ? {} : { signal: options.signal });
  } catch (error) {
    throw new CodedError("download-failed", `cannot fetch ${url}: ${messageOf(error)}`, { cause: error });
  }
}
