import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@flotilla/base/clock";
import { silentLog } from "@flotilla/base/log";
import type { BuiltImage } from "@flotilla/oci/build";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";
import { type ApiClient, createApiClient } from "@flotilla/protocol/client";
import { DEFAULT_SETTINGS } from "../config.ts";
import type { Context } from "../context.ts";
import { startServer } from "../serve.ts";

/** A server as these tests need it. */
export interface RegistryServer extends AsyncDisposable {
  readonly url: string;
  readonly ownerToken: string;
  readonly client: ApiClient;
  readonly context: Context;
  stop(): Promise<void>;
}

/** A folder that goes with its scope. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "flotilla-registry-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The real server on a data folder that outlives it. */
export async function startServerOn(dataDir: string): Promise<RegistryServer> {
  const ownerTokenFile = join(dataDir, "owner-token");
  const listen = { host: "127.0.0.1", port: 0 };
  const settings = { ...DEFAULT_SETTINGS, dataDir, listen, ownerTokenFile, requestsPerMinute: 1_000_000 };
  const { url, context, stop } = await startServer({ settings, clock: systemClock, log: silentLog });
  const ownerToken = (await readFile(ownerTokenFile, "utf8")).trim();
  const client = createApiClient({ baseUrl: url, token: ownerToken });
  return { url, ownerToken, client, context, stop, [Symbol.asyncDispose]: stop };
}

/** Layer bytes that the guard was given so far, by where they came from. */
export async function scannedBytes(
  server: Pick<RegistryServer, "context">,
): Promise<{ readonly streamed: number; readonly fromDisk: number }> {
  const metric = server.context.metrics.registry.getSingleMetric("flotilla_registry_scanned_bytes");
  const values = (await metric?.get())?.values ?? [];
  const of = (source: string) => values.find(({ labels }) => labels["source"] === source)?.value ?? Number.NaN;
  return { streamed: of("upload"), fromDisk: of("disk") };
}

/** A registry client of a test server; the owner's token unless another is given. */
export function registryClient(
  server: Pick<RegistryServer, "url" | "ownerToken">,
  token = server.ownerToken,
): RegistryClient {
  return createRegistryClient({
    baseUrl: server.url,
    credentials: { kind: "basic", username: "token", password: token },
  });
}

/** Pushes a built image under a tag. */
export async function pushImage(
  client: RegistryClient,
  repository: string,
  tag: string,
  image: BuiltImage,
): Promise<void> {
  for (const { digest, bytes } of image.blobs)
    await client.pushBlob(repository, { digest, sizeBytes: bytes.length, content: bytes });
  await client.putManifest(repository, tag, image.manifest);
}

/** Raw requests to `/v2/<path>` of a test server, as its owner unless another token is given. */
export function rawRegistry(server: Pick<RegistryServer, "url" | "ownerToken">, token = server.ownerToken) {
  return (
    method: string,
    path: string,
    options: { body?: Uint8Array | string; headers?: Record<string, string> } = {},
  ) =>
    fetch(new URL(path, `${server.url}/v2/`), {
      method,
      headers: { authorization: `Bearer ${token}`, ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body as Exclude<RequestInit["body"], undefined> }),
    });
}

/** The code in an error body of the registry. */
export async function errorCode(response: Response): Promise<string | undefined> {
  const body = (await response.json()) as { readonly errors?: readonly { readonly code: string }[] };
  return body.errors?.[0]?.code;
}
