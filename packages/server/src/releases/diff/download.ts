import type { NormalisedApp } from "@flotilla/compose/app";
import { formatPlatform } from "@flotilla/oci/platform";
import type { LayerChange, PlatformChange } from "@flotilla/protocol/api/release-diff";
import type { ReleaseDocument, ReleaseLayer } from "@flotilla/protocol/release";

/** What a device fetches of a release besides manifests: document, application and config files, then images of its platform. */
export interface ReleaseContent {
  readonly document: ReleaseDocument;
  readonly app: NormalisedApp;
  /** Blobs of the release artifact itself: the document and the application. */
  readonly own: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

/** What devices of each platform of `to` fetch when they run `from`. Pure. */
export function diffPlatforms(from: ReleaseContent, to: ReleaseContent): readonly PlatformChange[] {
  return platformsOf(to.document).map((platform) => {
    const had = blobsOf(from, platform);
    const blobs = blobsOf(to, platform);
    const fresh = [...blobs].filter(([digest]) => !had.has(digest));
    const [before, after] = [layersOf(from.document, platform), layersOf(to.document, platform)];
    return {
      platform,
      download: { blobs: fresh.length, sizeBytes: sum(fresh) },
      total: { blobs: blobs.size, sizeBytes: sum([...blobs]) },
      layers: [...changes(after, before, "added"), ...changes(before, after, "removed")],
      keptLayers: [...after.keys()].filter((digest) => before.has(digest)).length,
    };
  });
}

/** Names of all platforms that an image of the release has. */
export function platformsOf(document: ReleaseDocument): readonly string[] {
  const names = Object.values(document.images).flatMap(({ platforms }) => platforms.map(formatPlatform));
  return [...new Set(names)].toSorted();
}

/** Each blob once, as a device stores it once: its size by digest. */
function blobsOf({ document, app, own }: ReleaseContent, platform: string): ReadonlyMap<string, number> {
  const blobs = new Map(own.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
  for (const config of Object.values(app.configs))
    if (config.kind === "file") blobs.set(config.digest, config.sizeBytes);
  for (const image of Object.values(document.images))
    for (const each of image.platforms) {
      if (formatPlatform(each) !== platform) continue;
      blobs.set(each.config, each.configSizeBytes);
      for (const layer of each.layers) blobs.set(layer.digest, layer.sizeBytes);
    }
  return blobs;
}

interface FoundLayer {
  readonly layer: ReleaseLayer;
  readonly image: string;
}

function layersOf(document: ReleaseDocument, platform: string): ReadonlyMap<string, FoundLayer> {
  const layers = new Map<string, FoundLayer>();
  for (const { reference, platforms } of Object.values(document.images))
    for (const each of platforms)
      if (formatPlatform(each) === platform)
        for (const layer of each.layers)
          if (!layers.has(layer.digest)) layers.set(layer.digest, { layer, image: reference });
  return layers;
}

function changes(
  these: ReadonlyMap<string, FoundLayer>,
  those: ReadonlyMap<string, FoundLayer>,
  change: LayerChange["change"],
): readonly LayerChange[] {
  return [...these.values()]
    .filter(({ layer }) => !those.has(layer.digest))
    .map(({ layer: { digest, diffId, sizeBytes }, image }) => ({ change, digest, diffId, sizeBytes, image }));
}

function sum(blobs: readonly (readonly [string, number])[]): number {
  return blobs.reduce((total, [, sizeBytes]) => total + sizeBytes, 0);
}
