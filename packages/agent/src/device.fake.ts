import { asDigest, type Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { sha256 } from "@flotilla/oci/hash";
import type { DeviceMessage, ServerMessage } from "@flotilla/protocol/device";
import type { Blobs, Fetcher, Host, Link, LinkHandlers, Store } from "./ports.ts";

/** Blobs in memory. */
export interface MemoryBlobs extends Blobs {
  readonly content: Map<Digest, Uint8Array>;
  free: number;
}

export function createMemoryBlobs(): MemoryBlobs {
  const content = new Map<Digest, Uint8Array>();
  const get = (digest: Digest) => {
    const bytes = content.get(digest);
    if (bytes === undefined) throw new CodedError("blob-absent", `blob ${digest} is not on this device`);
    return bytes;
  };
  return {
    content,
    free: 10 * 1024 ** 3,
    has: async (digest) => content.has(digest),
    sizeBytes: async (digest) => content.get(digest)?.length,
    async *read(digest) {
      yield get(digest);
    },
    async readAll(digest, maxBytes) {
      const bytes = get(digest);
      if (bytes.length > maxBytes) throw new CodedError("blob-too-large", `blob ${digest} is too large`);
      return bytes;
    },
    async put(digest, bytes) {
      if (sha256(bytes) !== digest) throw new CodedError("blob-damaged", `not the bytes of ${digest}`);
      content.set(digest, bytes);
    },
    list: async () => [...content.keys()],
    async remove(digest) {
      content.delete(digest);
    },
    async freeBytes() {
      return this.free;
    },
  };
}

/** The registry of a test: what can be fetched, by digest. */
export type MemoryRegistry = Map<string, Uint8Array>;

export interface MemoryFetcher extends Fetcher {
  /** False: nothing can be fetched. */
  online: boolean;
  readonly fetched: string[];
}

/** Fetches from `registry` into `blobs`. */
export function createMemoryFetcher(registry: MemoryRegistry, blobs: Blobs): MemoryFetcher {
  const get = (digest: string, signal: AbortSignal): Uint8Array => {
    signal.throwIfAborted();
    if (!fetcher.online) throw new CodedError("download-failed", "the network is down");
    const bytes = registry.get(digest);
    if (bytes === undefined) throw new CodedError("registry-not-found", `${digest} is not in the registry`);
    fetcher.fetched.push(digest);
    return bytes;
  };
  const fetcher: MemoryFetcher = {
    online: true,
    fetched: [],
    async fetch(blob, onProgress, signal) {
      const bytes = get(blob.digest, signal);
      onProgress(bytes.length);
      await blobs.put(blob.digest, bytes);
    },
    fetchManifest: async (_repository, digest, signal) => get(digest, signal),
  };
  return fetcher;
}

/** A store in memory that keeps what was saved as JSON text, as a file does. */
export interface MemoryStore extends Store {
  text: string | undefined;
}

export function createMemoryStore(): MemoryStore {
  return {
    text: undefined,
    async load() {
      return this.text === undefined ? undefined : (JSON.parse(this.text) as unknown);
    },
    async save(value) {
      this.text = JSON.stringify(value);
    },
  };
}

/** A host whose ports and probes are as told. */
export interface FakeHost extends Omit<Host, "bootId"> {
  bootId: string;
  readonly takenPorts: Set<number>;
  /** What a probe answers; undefined: nothing listens. */
  answer: (host: string, port: number) => number | undefined;
}

export function createFakeHost(name = "device", bootId = "boot-1"): FakeHost {
  const host: FakeHost = {
    bootId,
    takenPorts: new Set(),
    answer: () => 200,
    facts: async () => ({ hostname: name, os: "Debian 13", diskBytes: 32 * 1024 ** 3, timeZone: "Europe/Oslo" }),
    availableMemoryBytes: async () => 2 * 1024 ** 3,
    portIsFree: async (port) => !host.takenPorts.has(port),
    probe: async (probe) => host.answer(probe.host, probe.port),
  };
  return host;
}

/** The server's end of a link in memory: acknowledges reports and keeps the state they add up to. */
export interface FakeLink extends Link {
  readonly reports: Extract<DeviceMessage, { type: "report" }>[];
  /** The sum of the reports, by app. */
  readonly apps: Map<string, NonNullable<NonNullable<Extract<DeviceMessage, { type: "report" }>["apps"]>[string]>>;
  /** Version of the target that the device said it holds. */
  targetVersion: number;
  /** Hands a message to the agent; kept until it runs. */
  deliver(message: ServerMessage): void;
  connect(fullReport?: boolean): void;
  disconnect(): void;
}

export function createFakeLink(): FakeLink {
  let handlers: LinkHandlers | undefined;
  let connected = false;
  const waiting: ServerMessage[] = [];
  const link: FakeLink = {
    reports: [],
    apps: new Map(),
    targetVersion: 0,
    deliver(message) {
      if (handlers === undefined) waiting.push(message);
      else handlers.message(message);
    },
    connect(fullReport = true) {
      connected = true;
      const serverTime = new Date(0).toISOString();
      handlers?.connected({ type: "welcome", serverTime, pingIntervalMs: 30_000, fullReport });
    },
    disconnect() {
      connected = false;
      handlers?.disconnected("test");
    },
    async run(given, signal) {
      handlers = given;
      link.connect();
      for (const message of waiting.splice(0)) given.message(message);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
    send(message) {
      if (!connected || message.type !== "report") return connected;
      link.reports.push(message);
      link.targetVersion = message.targetVersion;
      if (message.full) link.apps.clear();
      for (const [name, state] of Object.entries(message.apps ?? {})) {
        if (state === null) link.apps.delete(name);
        else link.apps.set(name, state);
      }
      queueMicrotask(() => handlers?.message({ type: "ack", seq: message.seq }));
      return true;
    },
  };
  return link;
}

/** Puts `bytes` into a registry; returns its digest. */
export function putBlob(registry: MemoryRegistry, bytes: Uint8Array | string): Digest {
  const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  const digest = asDigest(sha256(content));
  registry.set(digest, content);
  return digest;
}
