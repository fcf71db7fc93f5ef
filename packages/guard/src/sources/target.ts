import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import { isRepositoryName, parseReference } from "@flotilla/oci/reference";
import { openDirectory } from "./directory.ts";
import { openDockerArchive } from "./docker-archive.ts";
import { openDockerEngine } from "./docker-engine.ts";
import { openOciLayout } from "./oci-layout.ts";
import { openRegistry } from "./registry.ts";
import { openSbom } from "./sbom.ts";
import type { Source, SourceOptions } from "./source.ts";

export type TargetKind = "dir" | "docker-archive" | "oci" | "registry" | "docker" | "sbom";

/** What a person asked to scan. */
export interface Target {
  readonly kind: TargetKind;
  /** Path or reference, without the prefix. */
  readonly value: string;
}

type Opener = (value: string, options: SourceOptions) => Promise<Source>;

const OPENERS: Readonly<Record<TargetKind, Opener>> = {
  dir: async (path, options) => openDirectory(path, options),
  "docker-archive": async (path, options) => openDockerArchive(path, options),
  oci: async (path, options) => openOciLayout(path, options),
  registry: openRegistry,
  docker: async (reference, options) => openDockerEngine(reference, options),
  sbom: async (path) => openSbom(path),
};

/**
 * Opens what `text` names: `dir:PATH`, `docker-archive:FILE`, `oci:DIR[:TAG]`, `registry:REF`, `docker:REF`, `sbom:FILE`, or a bare path or
 * reference. Throws `CodedError("target-not-found" | "target-invalid" | "offline")` and the source's own.
 */
export async function openTarget(text: string, options: SourceOptions = {}): Promise<Source> {
  const { kind, value } = parseTarget(text);
  if (options.offline === true && (kind === "registry" || kind === "docker"))
    throw new CodedError("offline", `${text} needs a socket, and --offline forbids opening one`);
  return OPENERS[kind](value, options);
}

/** The target in `text`. A bare word that is there as a file or folder is that; what else could be a reference is asked of the registry. */
export function parseTarget(text: string): Target {
  const colon = text.indexOf(":");
  const prefix = text.slice(0, Math.max(0, colon));
  if (isKind(prefix)) {
    const value = text.slice(colon + 1);
    if (value === "") throw new CodedError("target-invalid", `${text}: name what to scan after the colon`);
    return { kind: prefix, value };
  }
  return guess(text);
}

function guess(text: string): Target {
  const stat = statSync(text, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return { kind: existsSync(join(text, "oci-layout")) ? "oci" : "dir", value: text };
  if (stat?.isFile() === true) return { kind: /\.json$/i.test(text) ? "sbom" : "docker-archive", value: text };
  if (!/^[./~]/.test(text) && isReference(text)) return { kind: "registry", value: text };
  throw new CodedError(
    "target-not-found",
    `${text.slice(0, 300)}: there is no such file or folder, and it is no image reference`,
  );
}

function isReference(text: string): boolean {
  try {
    return isRepositoryName(parseReference(text).repository);
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

function isKind(text: string): text is TargetKind {
  return Object.hasOwn(OPENERS, text);
}
