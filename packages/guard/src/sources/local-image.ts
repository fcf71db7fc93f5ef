import type { LocalImage, LocalLayer } from "@flotilla/oci/image-files";
import type { Wanted } from "../collector.ts";
import { mergeLayers } from "../image.ts";
import { scanImageConfig } from "../image-config.ts";
import type { LayerScan, Problem } from "../model.ts";
import type { ScanPool } from "../pool.ts";
import type { FileLayer } from "../pool-messages.ts";
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
      const inventory = mergeLayers([
        ...(await scanLayers(image.layers, wanted, pool, options)),
        scanImageConfig(image.configBytes, wanted),
      ]);
      return { ...inventory, problems: [...problems, ...inventory.problems] };
    },
  };
}

/** Scans layers, on this thread and side by side on the pool's where there is one; results in the order of the image. */
async function scanLayers(
  layers: readonly LocalLayer[],
  wanted: Wanted,
  pool: ScanPool | undefined,
  options: SourceOptions,
): Promise<LayerScan[]> {
  let done = 0;
  const scans = new Map<LocalLayer, Promise<LayerScan>>();
  const start = (layer: LocalLayer, scanOne: (layer: FileLayer) => Promise<LayerScan>): Promise<LayerScan> => {
    options.signal?.throwIfAborted();
    const { file, offset, sizeBytes, diffId } = layer;
    const scan = scanOne({ file, offset, sizeBytes, diffId, wanted }).then((result) => {
      options.onProgress?.({ what: "layers", done: ++done, total: layers.length });
      return result;
    });
    scans.set(layer, scan);
    return scan;
  };
  const { here, there } = divide(layers, pool?.threads ?? 0);
  if (pool !== undefined) for (const layer of there) start(layer, pool.scanFile).catch(() => {}); // awaited below
  for (const layer of here) await start(layer, scanFileLayer);
  return Promise.all(layers.map((layer) => scans.get(layer) ?? start(layer, scanFileLayer)));
}

/** Gives this thread its share of the bytes, the largest layers first. */
function divide(layers: readonly LocalLayer[], threads: number): { here: LocalLayer[]; there: LocalLayer[] } {
  const here: LocalLayer[] = [];
  const there: LocalLayer[] = [];
  let bytesHere = 0;
  let bytesThere = 0;
  for (const layer of [...layers].sort((a, b) => b.sizeBytes - a.sizeBytes)) {
    if (bytesThere < bytesHere * threads) {
      there.push(layer);
      bytesThere += layer.sizeBytes;
    } else {
      here.push(layer);
      bytesHere += layer.sizeBytes;
    }
  }
  return { here, there };
}
