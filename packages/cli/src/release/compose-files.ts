import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import { plainEnvFile } from "@flotilla/compose/env-file";
import { type ComposeResult, parseCompose } from "@flotilla/compose/parse";
import { Problems } from "@flotilla/compose/problem";
import { MAX_CONFIG_BYTES } from "@flotilla/compose/top/files";
import { MAX_COMPOSE_BYTES } from "@flotilla/compose/tree";

/** What compose looks for in the working folder when no file is named. */
const DEFAULT_FILES = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"] as const;
const DEFAULT_ENV_FILE = ".env";

export interface ComposeFilesOptions {
  /** As given with `-f`; paths relative to the working folder. */
  readonly files: readonly string[];
  readonly envFiles: readonly string[];
  readonly app: string | undefined;
  readonly profiles: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Reads the compose files of a release. Names come from the environment, then from the env files (`.env` beside the first file when none is
 * named); files that the compose files name are found beside the first. Throws `usage` when a file cannot be read.
 */
export async function readComposeFiles(options: ComposeFilesOptions): Promise<ComposeResult> {
  const paths = options.files.length > 0 ? options.files : [defaultFile()];
  const folder = dirname(paths[0] ?? ".");
  const files = [];
  for (const path of paths) files.push({ path, text: decode(path, await mustRead(path, MAX_COMPOSE_BYTES)) });
  const environment = await readEnvironmentFiles(options, folder);
  if (environment.problems.length > 0) return { images: [], files: [], problems: environment.problems, warnings: [] };
  return parseCompose({
    files,
    env: { ...environment.values, ...options.variables },
    profiles: options.profiles,
    read: (path) => readIfThere(isAbsolute(path) ? path : join(folder, path), MAX_CONFIG_BYTES + 1),
    ...(options.app === undefined ? {} : { projectName: options.app }),
  });
}

async function readEnvironmentFiles(options: ComposeFilesOptions, folder: string) {
  const problems = new Problems();
  const implied = join(folder, DEFAULT_ENV_FILE);
  const paths = options.envFiles.length > 0 ? options.envFiles : existsSync(implied) ? [implied] : [];
  let values: Readonly<Record<string, string>> = {};
  for (const path of paths) {
    const text = decode(path, await mustRead(path, MAX_COMPOSE_BYTES));
    values = { ...values, ...plainEnvFile({ path, text }, { ...values, ...options.variables }, problems) };
  }
  return { values, problems: problems.sorted(paths) };
}

function defaultFile(): string {
  const found = DEFAULT_FILES.find((name) => existsSync(name));
  if (found !== undefined) return found;
  throw new CodedError("usage", `there is no ${DEFAULT_FILES.join(", ")} here: name the file with -f`);
}

async function mustRead(path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readIfThere(path, maxBytes + 1);
  if (bytes === undefined) throw new CodedError("usage", `${path} cannot be read: is it there, and a file?`);
  if (bytes.length > maxBytes) throw new CodedError("usage", `${path} is larger than ${maxBytes} bytes`);
  return bytes;
}

/** At most `maxBytes` of a regular file; undefined when there is none that may be read. */
async function readIfThere(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    await using file = await open(path);
    if (!(await file.stat()).isFile()) return undefined;
    const parts: Uint8Array[] = [];
    for await (const part of file.createReadStream({ end: maxBytes - 1, autoClose: false })) parts.push(part);
    return Buffer.concat(parts);
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CodedError("usage", `${path} is no UTF-8 text`, { cause });
  }
}
