import { readFileSync } from "node:fs";
import { asDigest, type Digest } from "@flotilla/base/digest";
import type { Service } from "@flotilla/compose/app";
import { type BuildLayer, type BuiltImage, buildImage } from "@flotilla/oci/build";
import type { ReleasePlatform } from "@flotilla/protocol/release";
import type { Blobs } from "../ports.ts";

/** The engine of `*.docker.test.ts`, or undefined when there is none. */
export function testEngineAddress(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const socket = environment["FLOTILLA_TEST_DOCKER"];
  return socket === undefined || socket === "" ? undefined : `unix://${socket}`;
}

/** An image of static busybox with the shell's usual commands, and `files` in a layer above. */
export function busyboxImage(files: BuildLayer = {}): BuiltImage {
  const busybox = readFileSync("/bin/busybox");
  const links = [
    "sh",
    "sleep",
    "cat",
    "ls",
    "httpd",
    "echo",
    "id",
    "stat",
    "wget",
    "env",
    "hostname",
    "touch",
    "mount",
  ];
  const base = buildImage({
    files: {
      "bin/busybox": { content: busybox, mode: 0o755 },
      ...Object.fromEntries(links.map((name) => [`bin/${name}`, { link: "busybox" }])),
      "etc/passwd": "root:x:0:0::/:/bin/sh\n",
      "tmp/": { mode: 0o1777 },
    },
    config: { Cmd: ["sleep", "1000"], Env: ["PATH=/bin"] },
  });
  return Object.keys(files).length === 0 ? base : buildImage({ base, files });
}

/** What a release says of a built image. */
export function platformOf(image: BuiltImage): ReleasePlatform {
  return {
    os: image.platform.os,
    architecture: image.platform.architecture,
    manifest: image.manifest.digest,
    config: image.config.digest,
    configSizeBytes: image.config.bytes.length,
    layers: image.layers.map(({ descriptor, diffId }) => ({
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      sizeBytes: descriptor.size,
      diffId,
    })),
  };
}

/** Blobs in memory that count how often each was read. */
export function memoryBlobs(...images: readonly BuiltImage[]): Blobs & { readonly reads: Map<Digest, number> } {
  const held = new Map<Digest, Uint8Array>(
    images.flatMap(({ blobs }) => blobs.map(({ digest, bytes }) => [digest, bytes])),
  );
  const reads = new Map<Digest, number>();
  const get = (digest: Digest) => {
    reads.set(digest, (reads.get(digest) ?? 0) + 1);
    const bytes = held.get(digest);
    if (bytes === undefined) throw new Error(`no blob ${digest}`);
    return bytes;
  };
  return {
    reads,
    has: async (digest) => held.has(digest),
    sizeBytes: async (digest) => held.get(digest)?.length,
    async *read(digest) {
      const bytes = get(digest);
      for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
    },
    readAll: async (digest) => get(digest),
    put: async (digest, content) => void held.set(digest, content),
    list: async () => [...held.keys()],
    remove: async (digest) => void held.delete(digest),
    freeBytes: async () => 1e12,
  };
}

/** A service of `image` with every default, and `changes`. */
export function serviceOf(changes: Partial<Service> = {}): Service {
  return {
    image: "test",
    environment: {},
    labels: {},
    ports: [],
    expose: [],
    networks: {},
    mounts: [],
    configs: [],
    secrets: [],
    dependsOn: {},
    restart: { policy: "no" },
    stopGracePeriodMs: 1000,
    capAdd: [],
    capDrop: [],
    readOnly: false,
    devices: [],
    tmpfs: [],
    resources: {},
    replicas: 1,
    ...changes,
  };
}

export function configOf(image: BuiltImage): Digest {
  return asDigest(image.config.digest);
}
