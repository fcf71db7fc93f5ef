import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import { type Collector, createCollector, type OpenFile } from "../collector.ts";
import { mergeLayers } from "../image.ts";
import type { Source, SourceOptions } from "./source.ts";

const MAX_FILES = 5_000_000;
const MAX_DEPTH = 256;
const PIECE_BYTES = 256 * 1024;
/** Files between two looks at the signal. */
const FILES_PER_TURN = 500;
/** Histories, kept packed: what stands in them is not what the folder holds. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([".git", ".hg", ".svn", ".bzr", "CVS"]);
/** Below `/`, these are the kernel's. */
const KERNEL_FOLDERS: ReadonlySet<string> = new Set(["proc", "sys", "dev"]);

/** A folder: a work tree, or the root of a file system. Symbolic links are not followed. */
export function openDirectory(path: string, options: SourceOptions): Source {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new CodedError("target-not-found", `${path}: there is no such folder`);
  return {
    name: path,
    parts: 1,
    async inventory(wanted) {
      const collector = createCollector(wanted);
      const walk = walkFiles(resolve(path), collector);
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      let done = 0;
      for (const file of walk) {
        readFile(file, collector, buffer);
        if (++done % FILES_PER_TURN !== 0) continue;
        options.onProgress?.({ what: "files", done, total: undefined });
        await new Promise(setImmediate);
        options.signal?.throwIfAborted();
      }
      return mergeLayers([collector.finish()]);
    },
  };
}

interface FoundFile {
  readonly absolute: string;
  /** Relative to the root, with `/`. */
  readonly path: string;
}

/** Regular files that somebody may want, folder by folder, in the order of their names. */
function* walkFiles(root: string, collector: Collector): Generator<FoundFile> {
  let files = 0;
  const pending: { readonly folder: string; readonly depth: number }[] = [{ folder: "", depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { folder, depth } = next;
    const below: string[] = [];
    for (const entry of entriesOf(join(root, folder), folder, collector)) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!isSkipped(root, folder, entry.name)) below.push(path);
      } else if (entry.isFile() && collector.wants(path)) {
        if (++files > MAX_FILES) {
          collector.problem(path, `too-many-files: more than ${MAX_FILES}, the rest is not read`);
          return;
        }
        yield { absolute: join(root, path), path };
      }
    }
    if (depth < MAX_DEPTH) for (const path of below.reverse()) pending.push({ folder: path, depth: depth + 1 });
    else if (below.length > 0)
      collector.problem(folder, `too-deep: more than ${MAX_DEPTH} folders, the rest is not read`);
  }
}

function entriesOf(absolute: string, path: string, collector: Collector) {
  try {
    return readdirSync(absolute, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    collector.problem(path, unreadable(error));
    return [];
  }
}

function isSkipped(root: string, folder: string, name: string): boolean {
  return SKIPPED_FOLDERS.has(name) || (root === "/" && folder === "" && KERNEL_FOLDERS.has(name));
}

function readFile(file: FoundFile, collector: Collector, buffer: Buffer): void {
  let descriptor: number;
  try {
    descriptor = openSync(file.absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    collector.problem(file.path, unreadable(error));
    return;
  }
  try {
    const stat = fstatSync(descriptor);
    const open = stat.isFile() ? collector.file(file.path, stat.size) : undefined;
    if (open !== undefined) readBody(descriptor, stat.size, open, buffer);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    collector.problem(file.path, unreadable(error));
  } finally {
    closeSync(descriptor);
  }
}

function readBody(descriptor: number, sizeBytes: number, open: OpenFile, buffer: Buffer): void {
  for (let at = 0; at < sizeBytes; ) {
    const count = readSync(descriptor, buffer, 0, Math.min(buffer.length, sizeBytes - at), at);
    if (count === 0) break;
    at = open.write(buffer.subarray(0, count), at);
  }
  open.end();
}

function unreadable(error: unknown): string {
  if (isSystemError(error)) return `unreadable: ${error.code}`;
  throw error;
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
