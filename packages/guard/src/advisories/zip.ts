import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import { readZipEntries, type ZipBounds, type ZipItem } from "../zip.ts";

/** The files in the zip at `path` whose names `wants` accepts, by positioned reads; see {@link readZipEntries}. */
export function* readZip(path: string, wants: (name: string) => boolean, bounds: ZipBounds): Generator<ZipItem> {
  const file = openSync(path, "r");
  try {
    const read = (position: number, length: number) => readAt(file, path, position, length);
    yield* readZipEntries({ name: path, size: fstatSync(file).size, read }, wants, bounds);
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, path: string, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let read = 0; read < length; ) {
    const count = readSync(file, bytes, read, length - read, position + read);
    if (count === 0) throw new CodedError("zip-damaged", `${path} is not a whole zip file: it is cut short`);
    read += count;
  }
  return bytes;
}
