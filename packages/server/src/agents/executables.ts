import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { CodedError } from "@flotilla/base/errors";

/** The agent's executables as `npm run agent:build` leaves them: each with a gzipped copy, some with a container image, and their checksums in SHA256SUMS. */
export interface Executables {
  /** SHA-256 in hex by file name; throws `not-found`, saying how to build them, when there are none. */
  checksums(): Promise<ReadonlyMap<string, string>>;
  /** A file to serve: an executable, its gzipped copy, its container image, or SHA256SUMS. Throws `not-found`. */
  find(name: string): Promise<ExecutableFile>;
}

export interface ExecutableFile {
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** Changes with the content. */
  readonly entityTag: string;
  /** The bytes from `start` to `end`, both inclusive. */
  read(start: number, end: number): Readable;
}

const SUMS = "SHA256SUMS";
const LINE = /^([a-f0-9]{64}) {2}(flotilla-agent-[a-z0-9-]+)$/;

/** The executables in `folder`. Only names that SHA256SUMS lists are looked for on the disk. */
export function openExecutables(folder: string): Executables {
  const executables: Executables = {
    async checksums() {
      const text = await readFile(join(folder, SUMS), "utf8").catch(() => "");
      const sums = new Map<string, string>();
      for (const line of text.split("\n")) {
        const [, sum, name] = LINE.exec(line) ?? [];
        if (sum !== undefined && name !== undefined) sums.set(name, sum);
      }
      if (sums.size > 0) return sums;
      throw new CodedError(
        "not-found",
        "this server has no agent executables; make them in its checkout with: npm run agent:build",
      );
    },
    async find(name) {
      const sums = await executables.checksums();
      const sum = sums.get(name.replace(/(?:\.image\.tar)?\.gz$/, ""));
      if (sum === undefined && name !== SUMS)
        throw new CodedError(
          "not-found",
          `there is no agent ${name.slice(0, 100)}; there are ${[...sums.keys()].join(", ")}`,
        );
      return open(join(folder, name), name, sum);
    },
  };
  return executables;
}

async function open(path: string, name: string, sum: string | undefined): Promise<ExecutableFile> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new CodedError("not-found", `${name} is not built; make it with: npm run agent:build`);
  const isText = name === SUMS;
  return {
    sizeBytes: found.size,
    mediaType: isText
      ? "text/plain; charset=utf-8"
      : name.endsWith(".gz")
        ? "application/gzip"
        : "application/octet-stream",
    entityTag: `"${sum ?? Math.floor(found.mtimeMs).toString(36)}-${found.size.toString(36)}"`,
    read: (start, end) => createReadStream(path, { start, end }),
  };
}
