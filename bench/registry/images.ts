import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BuiltBlob, buildImage } from "@flotilla/oci/build";
import { sha256 } from "@flotilla/oci/hash";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";
import { padding, tarEnd, tarHeader } from "@flotilla/oci/tar/write";

/** An image as it is pushed. */
export interface Image {
  readonly blobs: readonly BuiltBlob[];
  readonly manifest: { readonly digest: string; readonly mediaType: string; readonly bytes: Uint8Array };
}

const LAYER_BYTES = 100_000_000;
const LAYERS = 5;
const SMALL_BYTES = 20_000;

/** The tars of a 500 MB image, made of this machine's own files below `roots`. */
export function makeTars(roots: readonly string[]): readonly Buffer[] {
  const tars: Buffer[] = [];
  let parts: Buffer[] = [];
  let size = 0;
  for (const path of filesBelow(roots)) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true || size + stat.size > LAYER_BYTES) continue;
    const body = readFileSync(path);
    parts.push(
      tarHeader({ kind: "file", path: path.slice(1), sizeBytes: body.length }),
      body,
      Buffer.from(padding(body.length)),
    );
    size += body.length;
    if (size < LAYER_BYTES * 0.97) continue;
    tars.push(Buffer.concat([...parts, tarEnd()]));
    if (tars.length === LAYERS) break;
    parts = [];
    size = 0;
  }
  return tars;
}

/** An image of these tars, as they are or gzipped. */
export function imageOf(tars: readonly Buffer[], compress: boolean): Image {
  const bodies = compress ? tars.map((tar) => gzipSync(tar)) : tars;
  const config = {
    os: "linux",
    architecture: "amd64",
    config: {},
    rootfs: { type: "layers", diff_ids: tars.map(sha256) },
  };
  return assemble(
    bodies,
    Buffer.from(JSON.stringify(config)),
    compress ? MEDIA_TYPES.ociLayerGzip : MEDIA_TYPES.ociLayer,
  );
}

/** 500 MB that are no layers: nothing to scan. */
export function opaque(): Image {
  const bodies = Array.from({ length: LAYERS }, (_, index) => noise(LAYER_BYTES, `opaque ${index}`));
  return assemble(bodies, Buffer.from("{}"), "application/octet-stream", MEDIA_TYPES.ociEmpty);
}

/** Images of one small layer each, no two alike. */
export function smallImages(count: number): readonly Image[] {
  return Array.from({ length: count }, (_, index) =>
    buildImage({ files: { "app/data.bin": noise(SMALL_BYTES, `small ${index}`), "app/which.txt": String(index) } }),
  );
}

/** Bytes that do not compress, always the same ones. */
function noise(bytes: number, seed: string): Buffer {
  return createHash("shake256", { outputLength: bytes }).update(seed).digest();
}

function assemble(
  bodies: readonly Buffer[],
  config: Buffer,
  mediaType: string,
  configType: string = MEDIA_TYPES.ociConfig,
): Image {
  const blobs = [...bodies, config].map((bytes) => ({ digest: sha256(bytes), bytes }));
  const descriptors = blobs.map(({ digest, bytes }) => ({ mediaType, digest, size: bytes.length }));
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { ...descriptors.at(-1), mediaType: configType },
      layers: descriptors.slice(0, -1),
    }),
  );
  return { blobs, manifest: { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociManifest, bytes } };
}

function* filesBelow(roots: readonly string[]): Generator<string> {
  for (const cwd of roots) for (const path of globSync("**", { cwd }).sort()) yield join(cwd, path);
}
