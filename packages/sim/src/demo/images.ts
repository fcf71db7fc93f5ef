import { generateKeyPairSync } from "node:crypto";
import { BEHAVIOUR_LABEL, type Behaviour, formatBehaviour } from "@flotilla/agent/behaviour.fake";
import { type BuiltIndex, buildImage, buildIndex } from "@flotilla/oci/build";
import type { RegistryClient } from "@flotilla/oci/client";
import { type Architecture, exitWith, sayAndStay } from "./programs.ts";

const SECOND_NS = 1_000_000_000;
const ARCHITECTURES: readonly Architecture[] = ["amd64", "arm64"];

/** One version of the demo's image. */
export interface Version {
  readonly tag: string;
  /** Version of the npm package axios that it carries. */
  readonly axios: string;
  readonly leaksKey: boolean;
  readonly healthy: boolean;
}

export const VERSIONS = {
  careless: { tag: "1.0", axios: "0.21.0", leaksKey: true, healthy: true },
  repaired: { tag: "1.1", axios: "1.12.2", leaksKey: false, healthy: true },
  broken: { tag: "1.2", axios: "1.12.2", leaksKey: false, healthy: false },
} as const satisfies Readonly<Record<string, Version>>;

/** A real image for two architectures: a program, its health check, and the npm package that it is said to use. */
export function buildVersion(version: Version): BuiltIndex {
  return buildIndex(ARCHITECTURES.map((architecture) => buildFor(architecture, version)));
}

/** Pushes an index with its images, as any client does; returns the bytes that went over. */
export async function pushIndex(
  client: RegistryClient,
  repository: string,
  tag: string,
  index: BuiltIndex,
): Promise<number> {
  let sent = 0;
  for (const image of index.images) {
    for (const { digest, bytes } of image.blobs) {
      if ((await client.blobSize(repository, digest)) !== undefined) continue;
      await client.pushBlob(repository, { digest, content: bytes, sizeBytes: bytes.length });
      sent += bytes.length;
    }
    await client.putManifest(repository, image.manifest.digest, image.manifest);
  }
  await client.putManifest(repository, tag, index.manifest);
  return sent;
}

function buildFor(architecture: Architecture, version: Version) {
  // Simulated devices have no processor that could run it: the label tells their engine what it would do.
  const behaviour: Behaviour = {
    kind: version.healthy ? "healthy" : "unhealthy",
    afterMs: version.healthy ? 1500 : 3000,
  };
  return buildImage({
    platform: { os: "linux", architecture },
    files: [
      {
        hello: { content: sayAndStay(architecture, `hello ${version.tag}: ready`), mode: 0o755 },
        check: { content: exitWith(architecture, version.healthy ? 0 : 1), mode: 0o755 },
      },
      {
        "app/package.json": JSON.stringify({
          name: "hello",
          version: `${version.tag}.0`,
          dependencies: { axios: version.axios },
        }),
        "app/node_modules/axios/package.json": JSON.stringify({
          name: "axios",
          version: version.axios,
          license: "MIT",
        }),
      },
      ...(version.leaksKey ? [{ "app/deploy/id_ed25519.pem": { content: newKey(), mode: 0o600 } }] : []),
    ],
    config: {
      Entrypoint: ["/hello"],
      // A program without signal handlers does not end at SIGTERM when it is process 1.
      StopSignal: "SIGKILL",
      Healthcheck: { Test: ["CMD", "/check"], Interval: SECOND_NS, Timeout: 2 * SECOND_NS, Retries: 2 },
      Labels: { [BEHAVIOUR_LABEL]: formatBehaviour(behaviour) },
    },
  });
}

/** A key that was made for nobody. */
function newKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}
