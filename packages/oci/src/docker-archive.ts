import { posix } from "node:path";
import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { compressionOf } from "./decompress.ts";
import { sha256 } from "./hash.ts";
import { type ImageConfig, MAX_CONFIG_BYTES, parseImageConfig } from "./image-config.ts";
import type { LocalImage, LocalLayer } from "./image-files.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import { openPositioned, type PositionedSource, sliceOf } from "./positioned.ts";
import { cleanPath } from "./tar/header.ts";
import { walkTar } from "./tar/walk.ts";

/** Entries of the outer archive; images have at most a few hundred. */
const MAX_ENTRIES = 100_000;
const MAX_LINKS = 16;

/** Where a file of the archive stands. */
interface Place {
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * The images in a `docker save` archive. Only headers, `manifest.json` and the configs are read; layers are opened where they stand. Throws
 * `CodedError("docker-archive-invalid")`.
 */
export function readDockerArchive(file: string): readonly LocalImage[] {
  using source = openPositioned(file);
  refuseCompressed(source);
  const index = indexOf(source);
  const manifest = placeOf(index, "manifest.json");
  if (manifest === undefined) throw invalid("there is no manifest.json in it; make it with `docker save`");
  return parseManifestList(readPlace(source, manifest, MAX_MANIFEST_BYTES, "manifest.json")).map((entry) =>
    imageOf(file, source, index, entry),
  );
}

type Index = ReadonlyMap<string, Place | { readonly link: string }>;

function indexOf(source: PositionedSource): Index {
  const index = new Map<string, Place | { readonly link: string }>();
  for (const entry of walkTar(source)) {
    if (index.size >= MAX_ENTRIES) throw invalid(`more than ${MAX_ENTRIES} entries`);
    if (entry.kind === "file") index.set(entry.path, { offset: entry.bodyOffset, sizeBytes: entry.sizeBytes });
    else if (entry.kind === "symlink")
      index.set(entry.path, { link: cleanPath(posix.join(posix.dirname(entry.path), entry.linkName)) });
    else if (entry.kind === "hardlink") index.set(entry.path, { link: cleanPath(entry.linkName) });
  }
  return index;
}

/** The place of `path`, through the links that older engines write for layers they share. */
function placeOf(index: Index, path: string): Place | undefined {
  let found = index.get(path);
  for (let links = 0; found !== undefined && "link" in found; links++) {
    if (links >= MAX_LINKS) throw invalid("links without end");
    found = index.get(found.link);
  }
  return found;
}

interface ListEntry {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

function parseManifestList(bytes: Buffer): readonly ListEntry[] {
  let list: unknown;
  try {
    list = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new CodedError("docker-archive-invalid", "docker archive: manifest.json is not JSON", { cause });
  }
  if (!Array.isArray(list)) throw invalid("manifest.json is not a list");
  return list.map((item: unknown) => {
    const { Config, RepoTags, Layers } = (item ?? {}) as { Config?: unknown; RepoTags?: unknown; Layers?: unknown };
    if (typeof Config !== "string" || !isTexts(Layers)) throw invalid("manifest.json has an entry without its parts");
    return { config: cleanPath(Config), names: isTexts(RepoTags) ? RepoTags : [], layers: Layers.map(cleanPath) };
  });
}

function imageOf(file: string, source: PositionedSource, index: Index, entry: ListEntry): LocalImage {
  const place = placeOf(index, entry.config);
  if (place === undefined) throw invalid(`its config ${entry.config.slice(0, 100)} is missing`);
  const bytes = readPlace(source, place, MAX_CONFIG_BYTES, "a config");
  const config = parseImageConfig(bytes);
  return {
    config,
    configBytes: bytes,
    configDigest: sha256(bytes),
    names: entry.names,
    layers: layersOf(file, index, entry, config),
  };
}

function layersOf(file: string, index: Index, entry: ListEntry, config: ImageConfig): readonly LocalLayer[] {
  if (entry.layers.length !== config.diffIds.length)
    throw invalid(`its config names ${config.diffIds.length} layers, manifest.json ${entry.layers.length}`);
  return entry.layers.map((path, position) => {
    const place = placeOf(index, path);
    const diffId = config.diffIds[position];
    if (place === undefined || diffId === undefined) throw invalid(`its layer ${path.slice(0, 100)} is missing`);
    return localLayer(file, diffId, place);
  });
}

function localLayer(file: string, diffId: Digest, place: Place): LocalLayer {
  return {
    diffId,
    file,
    ...place,
    open() {
      const whole = openPositioned(file);
      const part = sliceOf(whole, place.offset, place.sizeBytes);
      return { ...part, [Symbol.dispose]: () => whole[Symbol.dispose]() };
    },
  };
}

function readPlace(source: PositionedSource, place: Place, maxBytes: number, what: string): Buffer {
  if (place.sizeBytes > maxBytes) throw invalid(`${what} is larger than ${maxBytes} bytes`);
  const bytes = Buffer.allocUnsafe(place.sizeBytes);
  if (source.read(bytes, place.offset) < bytes.length) throw invalid("it is cut short");
  return bytes;
}

function refuseCompressed(source: PositionedSource): void {
  const head = Buffer.alloc(4);
  source.read(head, 0);
  const compression = compressionOf(head);
  if (compression !== "none") throw invalid(`it is compressed with ${compression}; unpack it first`);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function invalid(why: string): CodedError {
  return new CodedError("docker-archive-invalid", `docker archive: ${why}`);
}
