import type { Digest } from "@flotilla/base/digest";
import { gzip } from "./decompress.ts";
import { sha256 } from "./hash.ts";
import type { RunConfig } from "./image-config.ts";
import { parseImageConfig } from "./image-config.ts";
import type { Descriptor } from "./manifest.ts";
import { MEDIA_TYPES } from "./media-types.ts";
import type { Platform } from "./platform.ts";
import { tarOf } from "./tar/write.ts";

/** A file of a built image. A path that ends in `/` is a folder; `link` makes a symbolic link; `removed` hides what lower layers have. */
export interface BuildFile {
  readonly content?: Uint8Array | string;
  readonly link?: string;
  readonly removed?: boolean;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Files of one layer by path. */
export type BuildLayer = Readonly<Record<string, BuildFile | Uint8Array | string>>;

export interface BuildOptions {
  /** One layer, or several from low to high. */
  readonly files: BuildLayer | readonly BuildLayer[];
  readonly config?: RunConfig;
  readonly platform?: Platform;
  /** An image that was built before and that these layers stand on. */
  readonly base?: BuiltImage;
  readonly compress?: boolean;
  /** RFC 3339; fixed unless told otherwise, so that equal files make equal images. */
  readonly created?: string;
}

export interface BuiltBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** A whole image in memory. */
export interface BuiltImage {
  readonly manifest: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };
  readonly config: BuiltBlob;
  readonly layers: readonly { readonly descriptor: Descriptor; readonly diffId: Digest; readonly bytes: Uint8Array }[];
  readonly platform: Platform;
  /** Config and layers, each once. */
  readonly blobs: readonly BuiltBlob[];
}

/** An index over built images. */
export interface BuiltIndex {
  readonly manifest: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };
  readonly images: readonly BuiltImage[];
}

const CREATED = "1970-01-01T00:00:00Z";
const LINUX: Platform = { os: "linux", architecture: "amd64" };

/** Builds a real OCI image from files, without Docker. Equal input makes equal bytes. */
export function buildImage(options: BuildOptions): BuiltImage {
  const platform = options.platform ?? options.base?.platform ?? LINUX;
  const own = (isLayers(options.files) ? options.files : [options.files]).map((files) =>
    buildLayer(files, options.compress ?? true),
  );
  const layers = [...(options.base?.layers ?? []), ...own];
  const configBytes = Buffer.from(
    JSON.stringify({
      created: options.created ?? CREATED,
      ...platform,
      config: { ...baseConfig(options.base), ...options.config },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created: options.created ?? CREATED, created_by: "flotilla build" })),
    }),
  );
  const config = { digest: sha256(configBytes), bytes: configBytes };
  const manifestBytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: config.digest, size: configBytes.length },
      layers: layers.map(({ descriptor }) => descriptor),
    }),
  );
  const blobs = new Map<Digest, BuiltBlob>([[config.digest, config]]);
  for (const { descriptor, bytes } of layers) blobs.set(descriptor.digest, { digest: descriptor.digest, bytes });
  return {
    manifest: { digest: sha256(manifestBytes), mediaType: MEDIA_TYPES.ociManifest, bytes: manifestBytes },
    config,
    layers,
    platform,
    blobs: [...blobs.values()],
  };
}

/** Builds an index of images for several platforms. */
export function buildIndex(images: readonly BuiltImage[]): BuiltIndex {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociIndex,
      manifests: images.map(({ manifest, platform }) => ({
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.length,
        platform,
      })),
    }),
  );
  return { manifest: { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociIndex, bytes }, images };
}

function buildLayer(files: BuildLayer, compress: boolean): BuiltImage["layers"][number] {
  const tar = tarOf(entriesOf(files));
  const bytes = compress ? gzip(tar) : tar;
  const mediaType = compress ? MEDIA_TYPES.ociLayerGzip : MEDIA_TYPES.ociLayer;
  return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.length }, diffId: sha256(tar), bytes };
}

function entriesOf(files: BuildLayer): Parameters<typeof tarOf>[0] {
  const entries = new Map<string, Parameters<typeof tarOf>[0][number]>();
  for (const path of Object.keys(files).sort()) {
    const file = files[path] ?? "";
    const options: BuildFile = typeof file === "string" || file instanceof Uint8Array ? { content: file } : file;
    const clean = path.replace(/^\/+/, "");
    for (const folder of foldersOf(clean))
      if (!entries.has(folder)) entries.set(folder, { path: folder, kind: "directory" });
    entries.set(clean, entryOf(clean, options));
  }
  return [...entries.values()];
}

function entryOf(path: string, file: BuildFile): Parameters<typeof tarOf>[0][number] {
  const common = {
    ...(file.mode === undefined ? {} : { mode: file.mode }),
    ...(file.uid === undefined ? {} : { uid: file.uid }),
    ...(file.gid === undefined ? {} : { gid: file.gid }),
  };
  if (file.removed) return { path: whiteoutOf(path), kind: "file" };
  if (file.link !== undefined) return { ...common, path, kind: "symlink", linkName: file.link };
  if (path.endsWith("/")) return { ...common, path, kind: "directory" };
  return { ...common, path, kind: "file", content: file.content ?? "" };
}

function whiteoutOf(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`;
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.slice(0, -1).map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
}

function baseConfig(base: BuiltImage | undefined): RunConfig {
  return base === undefined ? {} : parseImageConfig(base.config.bytes).run;
}

function isLayers(files: BuildLayer | readonly BuildLayer[]): files is readonly BuildLayer[] {
  return Array.isArray(files);
}
