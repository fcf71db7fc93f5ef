import { statSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import { readDockerArchive } from "@flotilla/oci/docker-archive";
import type { Problem } from "../model.ts";
import { localImageSource } from "./local-image.ts";
import type { Source, SourceOptions } from "./source.ts";

/** The (first) image of a `docker save` archive, read where it stands. */
export function openDockerArchive(path: string, options: SourceOptions): Source {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new CodedError("target-not-found", `${path}: there is no such file`);
  const [image, ...others] = readDockerArchive(path);
  if (image === undefined) throw new CodedError("docker-archive-invalid", `${path}: there is no image in it`);
  const problems: Problem[] = others.map(({ names, configDigest }) => ({
    path,
    reason: `not-read: ${names[0] ?? configDigest} is in the archive too, only its first image was read`,
  }));
  return localImageSource(image.names[0] ?? path, image, options, problems);
}
