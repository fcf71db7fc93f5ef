import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { canonicalJson } from "@flotilla/base/canonical-json";
import { asDigest, type Digest, encodedPart } from "@flotilla/base/digest";
import { sha256 } from "@flotilla/oci/hash";
import type { ReleasePlatform } from "@flotilla/protocol/release";
import type { Blobs } from "../ports.ts";
import type { EngineHttp } from "./http.ts";
import { removeReference } from "./images.ts";
import { readProgress } from "./progress.ts";

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const PULL_DEADLINE_MS = 60 * 60_000;

export interface Pull {
  readonly platform: ReleasePlatform;
  /** The tag that the image gets. */
  readonly tag: string;
  readonly blobs: Blobs;
}

/**
 * Lets the engine pull the image from a registry that this call opens on 127.0.0.1 (which engines trust without TLS) and closes again.
 * Serves every blob of the image, since a graph driver asks again for layers that it never pulled. Returns the digest of the manifest.
 */
export async function pullFromLoopback(http: EngineHttp, pull: Pull, signal?: AbortSignal): Promise<Digest> {
  const manifest = manifestOf(pull.platform);
  const digest = sha256(manifest);
  const server = createServer((request, response) => {
    serve(pull, manifest, digest, request, response).catch(() => response.destroy());
  });
  const port = await listen(server);
  try {
    const repository = `127.0.0.1:${port}/${pull.tag.slice(0, pull.tag.lastIndexOf(":"))}`;
    const tag = encodedPart(asDigest(pull.platform.config));
    const answer = await http.stream({
      method: "POST",
      path: "/images/create",
      query: { fromImage: repository, tag },
      deadlineMs: PULL_DEADLINE_MS,
      signal,
    });
    await readProgress(answer);
    await rename(http, `${repository}:${tag}`, pull.tag, signal);
    return digest;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function rename(http: EngineHttp, from: string, to: string, signal?: AbortSignal): Promise<void> {
  const colon = to.lastIndexOf(":");
  const query = { repo: to.slice(0, colon), tag: to.slice(colon + 1) };
  await http.call({ method: "POST", path: `/images/${encodeURIComponent(from)}/tag`, query, signal });
  await removeReference(http, from, signal);
}

/** The image's manifest over the blobs as we hold them; its digest is ours, the image's identity is its config. */
function manifestOf(platform: ReleasePlatform): Buffer {
  const { config, configSizeBytes, layers } = platform;
  return Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: configSizeBytes },
      layers: layers.map((layer) => ({
        mediaType: ociType(layer.mediaType),
        digest: layer.digest,
        size: layer.sizeBytes,
      })),
    }),
  );
}

/** Docker's layer types by their OCI names; in an OCI manifest some engines know only these. */
function ociType(mediaType: string): string {
  const suffix = mediaType.endsWith("gzip") ? "+gzip" : mediaType.endsWith("zstd") ? "+zstd" : "";
  return `application/vnd.oci.image.layer.v1.tar${suffix}`;
}

async function serve(
  pull: Pull,
  manifest: Buffer,
  manifestDigest: Digest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? "";
  if (path === "/v2/") return answer(response, 200, "application/json", Buffer.from("{}"));
  if (/^\/v2\/.+\/manifests\/[^/]+$/.test(path)) {
    response.setHeader("docker-content-digest", manifestDigest);
    return answer(response, 200, MANIFEST_TYPE, request.method === "HEAD" ? undefined : manifest, manifest.length);
  }
  const blob = /^\/v2\/.+\/blobs\/(sha256:[a-f0-9]{64})$/.exec(path)?.[1];
  const known = [pull.platform.config, ...pull.platform.layers.map((layer) => layer.digest)];
  const digest = blob !== undefined && known.includes(blob) ? asDigest(blob) : undefined;
  const sizeBytes = digest === undefined ? undefined : await pull.blobs.sizeBytes(digest);
  if (digest === undefined || sizeBytes === undefined)
    return answer(response, 404, "text/plain", Buffer.from("no such blob"));
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": sizeBytes });
  if (request.method === "HEAD") response.end();
  else await pipeline(Readable.from(pull.blobs.read(digest), { objectMode: false }), response);
}

function answer(response: ServerResponse, status: number, type: string, body?: Buffer, size = body?.length ?? 0): void {
  response.writeHead(status, { "content-type": type, "content-length": size });
  response.end(body);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(address !== null && typeof address === "object" ? address.port : 0);
    });
  });
}
