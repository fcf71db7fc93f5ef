import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import { compressionOf, decompressed } from "@flotilla/oci/decompress";
import { readDockerArchive } from "@flotilla/oci/docker-archive";
import type { Problem } from "../model.ts";
import { ArchiveStream } from "./archive-stream.ts";
import { localImageSource } from "./local-image.ts";
import type { Source, SourceOptions } from "./source.ts";

const PIECE_BYTES = 256 * 1024;

/** The (first) image of a `docker save` archive: read where it stands, or as a stream when the archive itself is compressed. */
export function openDockerArchive(path: string, options: SourceOptions): Source {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new CodedError("target-not-found", `${path}: there is no such file`);
  if (isCompressed(path)) return compressedSource(path, stat.size, options);
  const [image, ...others] = readDockerArchive(path);
  if (image === undefined) throw new CodedError("docker-archive-invalid", `${path}: there is no image in it`);
  const problems: Problem[] = others.map(({ names, configDigest }) => ({
    path,
    reason: `not-read: ${names[0] ?? configDigest} is in the archive too, only its first image was read`,
  }));
  return localImageSource(image.names[0] ?? path, image, options, problems);
}

function compressedSource(path: string, sizeBytes: number, options: SourceOptions): Source {
  return {
    name: path,
    sizeBytes,
    parts: 2,
    inventory: (wanted, pool) =>
      new ArchiveStream(wanted, pool).read(
        decompressed(createReadStream(path, { highWaterMark: PIECE_BYTES })),
        options,
      ),
  };
}

function isCompressed(path: string): boolean {
  const head = Buffer.alloc(4);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return compressionOf(head) !== "none";
}
