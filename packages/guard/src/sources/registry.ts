import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { mapLimit } from "@flotilla/base/semaphore";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";
import { MAX_CONFIG_BYTES, parseImageConfig } from "@flotilla/oci/image-config";
import type { Descriptor, ImageManifest } from "@flotilla/oci/manifest";
import { choosePlatform, formatPlatform } from "@flotilla/oci/platform";
import { manifestNameOf, parseReference, type Reference } from "@flotilla/oci/reference";
import type { Wanted } from "../collector.ts";
import { mergeLayers } from "../image.ts";
import { scanImageConfig } from "../image-config.ts";
import { createLayerScanner, type LayerScanner } from "../layer-scanner.ts";
import type { LayerScan, Problem } from "../model.ts";
import type { ScanPool } from "../pool.ts";
import { hostPlatform } from "./platform.ts";
import type { Source, SourceOptions } from "./source.ts";

/** Layers that are fetched at a time. */
const MAX_PARALLEL_LAYERS = 3;

/** An image in a registry: each layer is scanned while it arrives and kept nowhere. */
export async function openRegistry(text: string, options: SourceOptions): Promise<Source> {
  const reference = parseReference(text);
  const client = clientFor(reference, options);
  const manifest = await imageManifest(client, reference, options);
  const configBytes = await readConfig(client, reference.repository, manifest.config, options.signal);
  const config = parseImageConfig(configBytes);
  if (config.diffIds.length !== manifest.layers.length)
    throw new CodedError(
      "manifest-invalid",
      `${text}: its config names ${config.diffIds.length} layers, its manifest ${manifest.layers.length}`,
    );
  return {
    name: text,
    sizeBytes: manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
    parts: manifest.layers.length,
    async inventory(wanted, pool) {
      let done = 0;
      const scans = await mapLimit(manifest.layers, MAX_PARALLEL_LAYERS, async (layer) => {
        const scan = await scanBlob({
          client,
          repository: reference.repository,
          layer,
          wanted,
          pool,
          signal: options.signal,
        });
        options.onProgress?.({ what: "layers", done: ++done, total: manifest.layers.length });
        return scan;
      });
      const inventory = mergeLayers([...scans, scanImageConfig(configBytes, wanted)]);
      return { ...inventory, problems: [...foreignLayers(scans, config.diffIds), ...inventory.problems] };
    },
  };
}

/** Text without a host means the registry of the Flotilla server one is signed in to. */
function clientFor(reference: Reference, options: SourceOptions): RegistryClient {
  const { registry: host } = reference;
  const baseUrl =
    host === undefined ? options.registry?.defaultUrl : `${isLoopback(host) ? "http" : "https"}://${host}`;
  if (baseUrl === undefined)
    throw new CodedError(
      "registry-unknown",
      `${reference.repository}: name its registry (HOST/${reference.repository}) or sign in to a Flotilla server`,
    );
  const { credentials, ca, send } = options.registry ?? {};
  return createRegistryClient({
    baseUrl,
    credentials: credentials?.(new URL(baseUrl).host),
    ...(ca === undefined ? {} : { ca }),
    ...(send === undefined ? {} : { send }),
  });
}

/** As Docker has it: a registry on this machine may speak in clear. */
function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(host);
}

async function imageManifest(
  client: RegistryClient,
  reference: Reference,
  options: SourceOptions,
): Promise<ImageManifest> {
  const { manifest } = await client.getManifest(reference.repository, manifestNameOf(reference), options.signal);
  if (manifest.kind === "image") return manifest;
  const platform = options.platform ?? hostPlatform();
  const images = manifest.manifests.filter((offer) => offer.platform?.os !== "unknown");
  const chosen = choosePlatform(images, (offer) => offer.platform, platform);
  if (chosen === undefined)
    throw new CodedError(
      "platform-missing",
      `${reference.repository}: none of its images is for ${formatPlatform(platform)}`,
    );
  const image = await client.getManifest(reference.repository, chosen.digest, options.signal);
  if (image.manifest.kind === "image") return image.manifest;
  throw new CodedError("manifest-invalid", `${reference.repository}: an index stands inside an index`);
}

async function readConfig(
  client: RegistryClient,
  repository: string,
  config: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  if (config.size > MAX_CONFIG_BYTES) throw new CodedError("config-invalid", `larger than ${MAX_CONFIG_BYTES} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.readBlob(repository, config, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface BlobScan {
  readonly client: RegistryClient;
  readonly repository: string;
  readonly layer: Descriptor;
  readonly wanted: Wanted;
  readonly pool: ScanPool | undefined;
  readonly signal: AbortSignal | undefined;
}

async function scanBlob({ client, repository, layer, wanted, pool, signal }: BlobScan): Promise<LayerScan> {
  const scanner: LayerScanner = pool === undefined ? createLayerScanner({ wanted }) : pool.scanner({ wanted });
  try {
    for await (const chunk of client.readBlob(repository, layer, signal)) await scanner.write(chunk);
  } catch (error) {
    scanner.abort();
    throw error;
  }
  return scanner.end();
}

/** Layers whose bytes are not what the config promises. */
function foreignLayers(scans: readonly LayerScan[], diffIds: readonly Digest[]): Problem[] {
  return scans.flatMap((scan, index) =>
    scan.diffId === diffIds[index]
      ? []
      : {
          path: "",
          layer: scan.diffId,
          reason: `foreign-layer: the image's config names ${diffIds[index] ?? "none"} in its place`,
        },
  );
}
