import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import { type Collected, type Collector, createCollector, type Wanted } from "../collector.ts";
import { mergeLayers } from "../image.ts";
import type { ScanPool } from "../pool.ts";
import { scanFileBatch, unreadable } from "./file-batch.ts";
import type { Source, SourceOptions } from "./source.ts";

const MAX_FILES = 5_000_000;
const MAX_DEPTH = 256;
/** Files that are read in one go, between two looks at the signal. */
const BATCH_FILES = 200;
/** So many batches are read before threads are worth starting. */
const FIRST_BATCHES = 3;
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
    parts: Number.POSITIVE_INFINITY,
    inventory: async (wanted, pool) => mergeLayers(await readFolder(resolve(path), wanted, pool, options)),
  };
}

/** What the batches of files gave, in the order of the walk; the walk's own problems stand last. */
async function readFolder(
  root: string,
  wanted: Wanted,
  pool: ScanPool | undefined,
  options: SourceOptions,
): Promise<readonly Collected[]> {
  const walker = createCollector(wanted);
  const parts: Promise<Collected>[] = [];
  const running = new Set<Promise<Collected>>();
  let done = 0;
  for (const paths of batchesOf(walkFiles(root, walker))) {
    const batch = { root, paths, wanted };
    if (pool === undefined || parts.length < FIRST_BATCHES || running.size > pool.threads) {
      parts.push(Promise.resolve(scanFileBatch(batch)));
      await new Promise(setImmediate);
    } else {
      const part = pool.scanFiles(batch);
      const forget = (): void => void running.delete(part);
      running.add(part);
      part.then(forget, forget);
      parts.push(part);
    }
    done += paths.length;
    options.onProgress?.({ what: "files", done, total: undefined });
    options.signal?.throwIfAborted();
  }
  return [...(await Promise.all(parts)), walker.finish()];
}

function* batchesOf(paths: Iterable<string>): Generator<string[]> {
  let batch: string[] = [];
  for (const path of paths) {
    batch.push(path);
    if (batch.length < BATCH_FILES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Regular files that somebody may want, folder by folder, in the order of their names; relative to the root, with `/`. */
function* walkFiles(root: string, collector: Collector): Generator<string> {
  let files = 0;
  const pending: { readonly folder: string; readonly depth: number }[] = [{ folder: "", depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { folder, depth } = next;
    const below: string[] = [];
    for (const entry of entriesOf(join(root, folder), folder, collector)) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!isSkipped(root, folder, entry.name)) below.push(path);
      } else if (entry.isFile()) {
        collector.seen(path);
        if (!collector.wants(path)) continue;
        if (++files > MAX_FILES) {
          collector.problem(path, `too-many-files: more than ${MAX_FILES}, the rest is not read`);
          return;
        }
        yield path;
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
