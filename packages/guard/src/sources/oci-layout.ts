import { statSync } from "node:fs";
import { join } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import { openLayout } from "@flotilla/oci/layout";
import { localImageSource } from "./local-image.ts";
import { hostPlatform } from "./platform.ts";
import type { Source, SourceOptions } from "./source.ts";

/** An image of an OCI layout folder: `DIR`, `DIR:TAG` or `DIR@DIGEST`. */
export function openOciLayout(value: string, options: SourceOptions): Source {
  const { folder, name } = splitName(value);
  const image = openLayout(folder).image(name, options.platform ?? hostPlatform());
  return localImageSource(name === undefined ? folder : `${folder}:${name}`, image, options);
}

/** Folders may have colons and tags not: what is there as a layout is the folder. */
function splitName(value: string): { readonly folder: string; readonly name?: string } {
  if (isLayout(value)) return { folder: value };
  const match = /^(.+)@(sha\d+:[0-9a-f]+)$/.exec(value) ?? /^(.+):([^:/]+)$/.exec(value);
  if (match?.[1] !== undefined && match[2] !== undefined && isLayout(match[1]))
    return { folder: match[1], name: match[2] };
  throw new CodedError("target-not-found", `${value}: there is no OCI layout (a folder with a file oci-layout)`);
}

function isLayout(folder: string): boolean {
  return statSync(join(folder, "oci-layout"), { throwIfNoEntry: false })?.isFile() === true;
}
