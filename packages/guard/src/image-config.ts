import { createCollector, type Wanted } from "./collector.ts";
import type { Part } from "./image.ts";

/** Where findings in an image's config are said to stand. */
export const CONFIG_PATH = "(image config)";

/** What an image's config (environment, labels, history of build steps) gives beside its layers: secrets that were baked in. */
export function scanImageConfig(bytes: Uint8Array, wanted: Wanted = { inventory: true, secrets: true }): Part {
  const collector = createCollector({ inventory: false, secrets: wanted.secrets });
  const file = collector.file(CONFIG_PATH, bytes.length);
  file?.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  file?.end();
  const { secrets, ...collected } = collector.finish();
  // The document is one line: its number tells nothing.
  return { ...collected, secrets: secrets.map((hit) => ({ ...hit, location: { path: CONFIG_PATH } })) };
}
