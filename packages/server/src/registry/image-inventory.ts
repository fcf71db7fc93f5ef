import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { mergeLayers } from "@flotilla/guard/image";
import { scanImageConfig } from "@flotilla/guard/image-config";
import type { Inventory, LayerScan } from "@flotilla/guard/model";
import { parseImageConfig } from "@flotilla/oci/image-config";
import type { ImageManifest, Manifest } from "@flotilla/oci/manifest";
import { isImageConfigType, isLayerType } from "@flotilla/oci/media-types";
import { unionOf } from "./inventory-union.ts";
import { isWholeLayer } from "./layer-problems.ts";
import type { LayerScans } from "./layer-scans.ts";

/** Platforms of an index that are looked at. */
const MAX_PLATFORMS = 64;
const MAX_DEPTH = 3;

/** Where an image's parts are read. */
export interface ImageParts {
  readonly layers: Pick<LayerScans, "scanOf">;
  /** A manifest of the same repository, or undefined. */
  manifest(digest: Digest): Promise<Manifest | undefined>;
  /** Which of these blobs the repository does not have: they are not looked at, though another one may have them. */
  missing(blobs: readonly Digest[]): Promise<ReadonlySet<Digest>>;
  /** A small blob of the repository. */
  blob(digest: Digest): Promise<Uint8Array>;
}

/** Whether a manifest is one that the guard looks at: an image, or an index (which may hold images). */
export function isScannable(manifest: Manifest): boolean {
  if (manifest.kind === "index") return manifest.subject === undefined;
  return (
    isImageConfigType(manifest.config.mediaType) || manifest.layers.some(({ mediaType }) => isLayerType(mediaType))
  );
}

/**
 * What an image holds, or all images of an index. Throws `CodedError("layer-unreadable")` when a layer is not here or cannot be read to its
 * end, as nothing can be said of such an image.
 */
export async function inventoryOf(manifest: Manifest, parts: ImageParts, depth = 0): Promise<Inventory> {
  if (manifest.kind === "image") return imageInventory(manifest, parts);
  if (depth >= MAX_DEPTH) throw new CodedError("manifest-invalid", "indexes stand inside indexes without end");
  if (manifest.manifests.length > MAX_PLATFORMS)
    throw new CodedError("manifest-invalid", `more than ${MAX_PLATFORMS} platforms`);
  const inventories: Inventory[] = [];
  for (const { digest } of manifest.manifests) {
    const child = await parts.manifest(digest);
    if (child === undefined) inventories.push(withProblem(digest));
    else if (isScannable(child)) inventories.push(await inventoryOf(child, parts, depth + 1));
  }
  return unionOf(inventories);
}

async function imageInventory(manifest: ImageManifest, parts: ImageParts): Promise<Inventory> {
  await checkHere(manifest, parts);
  const config = isImageConfigType(manifest.config.mediaType) ? await parts.blob(manifest.config.digest) : undefined;
  const diffIds = config === undefined ? [] : parseImageConfig(config).diffIds;
  const scans: LayerScan[] = [];
  const found = await Promise.all(manifest.layers.map(({ digest }) => parts.layers.scanOf(digest)));
  for (const [index, scan] of found.entries()) {
    const layer = manifest.layers[index];
    if (layer === undefined) continue;
    // What is not called a layer and is no tar (attestations, documents) holds no files for anybody.
    if (!isLayerType(layer.mediaType) && isUnreadable(scan)) continue;
    checkReadable(scan, layer.digest);
    const diffId = diffIds[index];
    if (diffId !== undefined && diffId !== scan.diffId)
      throw new CodedError("layer-unreadable", `layer ${layer.digest} is not the ${diffId} that the config names`);
    scans.push(scan);
  }
  return mergeLayers(config === undefined ? scans : [...scans, scanImageConfig(config)]);
}

async function checkHere({ config, layers }: ImageManifest, parts: ImageParts): Promise<void> {
  const [missing] = await parts.missing([config, ...layers].map(({ digest }) => digest));
  if (missing === undefined) return;
  const noun = missing === config.digest ? "config" : "layer";
  throw new CodedError("layer-unreadable", `${noun} ${missing} is not here: push it, and then the manifest again`);
}

function checkReadable(scan: LayerScan, layer: Digest): void {
  const problem = scan.problems.find(isWholeLayer);
  if (problem !== undefined)
    throw new CodedError("layer-unreadable", `layer ${layer} cannot be read: ${problem.reason.slice(0, 300)}`);
}

function isUnreadable(scan: LayerScan): boolean {
  return scan.problems.some(isWholeLayer);
}

function withProblem(digest: Digest): Inventory {
  const reason = `not-here: the index names ${digest}, which the repository does not have`;
  return { packages: [], secrets: [], problems: [{ path: "", reason }] };
}
