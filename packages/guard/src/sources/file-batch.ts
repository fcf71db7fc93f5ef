import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Collected, type Collector, createCollector, type OpenFile } from "../collector.ts";
import type { FileBatch } from "../pool-messages.ts";

const PIECE_BYTES = 256 * 1024;

/** Reads the files of a folder that somebody wants, one after another. Links are not followed; what cannot be read is a problem. */
export function scanFileBatch({ root, paths, wanted }: FileBatch): Collected {
  const collector = createCollector(wanted);
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (const path of paths) readFile({ absolute: join(root, path), path }, collector, buffer);
  return collector.finish();
}

interface FoundFile {
  readonly absolute: string;
  readonly path: string;
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

/** The problem of a file or folder that the system would not let us read; other errors are thrown on. */
export function unreadable(error: unknown): string {
  if (isSystemError(error)) return `unreadable: ${error.code}`;
  throw error;
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
