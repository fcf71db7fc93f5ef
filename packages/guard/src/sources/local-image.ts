import type { LocalImage, LocalLayer } from "@flotilla/oci/image-files";
import type { Wanted } from "../collector.ts";
import { mergeLayers } from "../image.ts";
import type { LayerScan, Problem } from "../model.ts";
import type { ScanPool } from "../pool.ts";
import { scanFileLayer } from "./file-layer.ts";
import type { Source, SourceOptions } from "./source.ts";

/** An image in local files as a source; `problems` is what its opener has to say already. */
export function localImageSource(
  name: string,
  image: LocalImage,
  options: SourceOptions,
  problems: readonly Problem[] = [],
): Source {
  return {
    name,
    sizeBytes: image.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
    parts: image.layers.length,
    async inventory(wanted, pool) {
      const inventory = mergeLayers(await scanLayers(image.layers, wanted, pool, options));
      return { ...inventory, problems: [...problems, ...inventory.problems] };
    },
  };
}

/** Scans layers, side by side where there is a pool; the largest first, results in the order of the image. */
async function scanLayers(
  layers: readonly LocalLayer[],
  wanted: Wanted,
  pool: ScanPool | undefined,
  options: SourceOptions,
): Promise<LayerScan[]> {
  let done = 0;
  const scanOne = async ({ file, offset, sizeBytes, diffId }: LocalLayer): Promise<LayerScan> => {
    options.signal?.throwIfAborted();
    const layer = { file, offset, sizeBytes, diffId, wanted };
    const scan = await (pool === undefined ? scanFileLayer(layer) : pool.scanFile(layer));
    options.onProgress?.({ what: "layers", done: ++done, total: layers.length });
    return scan;
  };
  if (pool === undefined) {
    const scans: LayerScan[] = [];
    for (const layer of layers) scans.push(await scanOne(layer));
    return scans;
  }
  const scans = new Map<LocalLayer, Promise<LayerScan>>();
  for (const layer of [...layers].sort((a, b) => b.sizeBytes - a.sizeBytes)) scans.set(layer, scanOne(layer));
  return Promise.all(layers.map((layer) => scans.get(layer) ?? scanOne(layer)));
}
