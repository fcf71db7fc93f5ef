import { type IncomingMessage, request } from "node:http";
import { posix } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import { MAX_CONFIG_BYTES, parseImageConfig } from "@flotilla/oci/image-config";
import { cleanPath } from "@flotilla/oci/tar/header";
import { type BodySink, createTarParser, type TarEntry } from "@flotilla/oci/tar/read";
import type { Wanted } from "../collector.ts";
import { mergeLayers } from "../image.ts";
import { scanImageConfig } from "../image-config.ts";
import { createLayerScanner, type LayerScanner } from "../layer-scanner.ts";
import type { Inventory, LayerScan } from "../model.ts";
import type { ScanPool } from "../pool.ts";
import type { Source, SourceOptions } from "./source.ts";

const DEFAULT_SOCKET = "/var/run/docker.sock";
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_DOCUMENTS = 2_000;
/** What is larger is a layer, and so is what does not begin like JSON. */
const MAX_DOCUMENT_BYTES = MAX_CONFIG_BYTES;

/** An image of a Docker Engine, streamed out of it (`GET /images/{name}/get`) and kept nowhere. */
export function openDockerEngine(reference: string, options: SourceOptions): Source {
  return {
    name: reference,
    parts: 2,
    async inventory(wanted, pool) {
      const archive = new ArchiveStream(wanted, pool);
      const response = await getImage(reference, options);
      for await (const chunk of response) {
        await archive.write(chunk as Buffer);
        options.onProgress?.({ what: "layers", done: archive.layers, total: undefined });
      }
      return archive.end();
    },
  };
}

function getImage(reference: string, options: SourceOptions): Promise<IncomingMessage> {
  const socketPath = options.dockerSocket ?? DEFAULT_SOCKET;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const call = request(
    { socketPath, path: `/images/${encodeURIComponent(reference)}/get`, signal: options.signal },
    (response) => {
      if (response.statusCode === 200) resolve(response);
      else refusal(response, reference).then(reject, reject);
    },
  );
  call.on("error", (cause) =>
    reject(new CodedError("docker-unreachable", `the Docker Engine at ${socketPath} does not answer`, { cause })),
  );
  call.end();
  return promise;
}

async function refusal(response: IncomingMessage, reference: string): Promise<CodedError> {
  let text = "";
  for await (const chunk of response) if (text.length < MAX_ERROR_BYTES) text += String(chunk);
  const code = response.statusCode === 404 ? "target-not-found" : "docker-failed";
  return new CodedError(
    code,
    `${reference}: the Docker Engine says ${response.statusCode}: ${text.slice(0, 300).trim()}`,
  );
}

/** The stream of a `docker save`. What is a layer is known only at its end, so every body that could be one is scanned as it comes. */
class ArchiveStream {
  readonly #wanted: Wanted;
  readonly #pool: ScanPool | undefined;
  readonly #parser = createTarParser((entry) => this.#open(entry));
  readonly #documents = new Map<string, Buffer>();
  readonly #scans = new Map<string, Promise<LayerScan>>();
  readonly #links = new Map<string, string>();
  #pending: Promise<unknown>[] = [];

  constructor(wanted: Wanted, pool: ScanPool | undefined) {
    this.#wanted = wanted;
    this.#pool = pool;
  }

  get layers(): number {
    return this.#scans.size;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#parser.write(chunk);
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
  }

  async end(): Promise<Inventory> {
    this.#parser.end();
    await Promise.all(this.#pending);
    const list = this.#manifest();
    const config = this.#document(list.config);
    const { diffIds } = parseImageConfig(config);
    const scans = await Promise.all(list.layers.map((path) => this.#scan(path)));
    const inventory = mergeLayers([...scans, scanImageConfig(config, this.#wanted)]);
    const foreign = scans
      .filter((scan, index) => scan.diffId !== diffIds[index])
      .map((scan) => ({
        path: "",
        layer: scan.diffId,
        reason: "foreign-layer: the image's config names another in its place",
      }));
    return { ...inventory, problems: [...foreign, ...inventory.problems] };
  }

  #open(entry: TarEntry): BodySink | undefined {
    if (entry.kind === "symlink")
      this.#links.set(entry.path, cleanPath(posix.join(posix.dirname(entry.path), entry.linkName)));
    if (entry.kind === "hardlink") this.#links.set(entry.path, cleanPath(entry.linkName));
    if (entry.kind !== "file" || entry.sizeBytes === 0) return undefined;
    return new MaybeLayer(entry, {
      document: (bytes) => {
        if (this.#documents.size < MAX_DOCUMENTS) this.#documents.set(entry.path, bytes);
      },
      scanner: () =>
        this.#pool === undefined
          ? createLayerScanner({ wanted: this.#wanted })
          : this.#pool.scanner({ wanted: this.#wanted }),
      wait: (promise) => {
        this.#pending.push(promise);
      },
      scan: (scan) => {
        this.#scans.set(entry.path, scan);
      },
    });
  }

  #manifest(): { readonly config: string; readonly layers: readonly string[] } {
    const list: unknown = JSON.parse(this.#document("manifest.json").toString());
    const first: unknown = Array.isArray(list) ? list[0] : undefined;
    const { Config, Layers } = (first ?? {}) as { Config?: unknown; Layers?: unknown };
    if (typeof Config !== "string" || !Array.isArray(Layers)) throw invalid("its manifest.json has no image");
    return { config: cleanPath(Config), layers: Layers.map((path) => cleanPath(String(path))) };
  }

  #document(path: string): Buffer {
    const bytes = this.#documents.get(path);
    if (bytes === undefined) throw invalid(`${path.slice(0, 100)} is missing`);
    return bytes;
  }

  #scan(path: string): Promise<LayerScan> {
    const scan = this.#scans.get(path) ?? this.#scans.get(this.#links.get(path) ?? "");
    if (scan === undefined) throw invalid(`layer ${path.slice(0, 100)} is missing`);
    return scan;
  }
}

interface Uses {
  document(bytes: Buffer): void;
  scanner(): LayerScanner;
  wait(promise: Promise<unknown>): void;
  scan(scan: Promise<LayerScan>): void;
}

/** A body that is a JSON document or a layer; its first byte tells. */
class MaybeLayer implements BodySink {
  readonly #entry: TarEntry;
  readonly #uses: Uses;
  #document: Buffer[] | undefined;
  #scanner: LayerScanner | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(entry: TarEntry, uses: Uses) {
    this.#entry = entry;
    this.#uses = uses;
  }

  write(chunk: Uint8Array): void {
    if (this.#document === undefined && this.#scanner === undefined) this.#decide(chunk[0]);
    this.#document?.push(Buffer.from(chunk));
    const scanner = this.#scanner;
    if (scanner === undefined) return;
    this.#last = this.#last.then(() => scanner.write(chunk));
    this.#uses.wait(this.#last);
  }

  end(): void {
    if (this.#document !== undefined) this.#uses.document(Buffer.concat(this.#document));
    const scanner = this.#scanner;
    if (scanner !== undefined) this.#uses.scan(this.#last.then(() => scanner.end()));
  }

  #decide(first: number | undefined): void {
    const isJson = first === 0x7b || first === 0x5b;
    if (isJson && this.#entry.sizeBytes <= MAX_DOCUMENT_BYTES) this.#document = [];
    else this.#scanner = this.#uses.scanner();
  }
}

function invalid(why: string): CodedError {
  return new CodedError("docker-failed", `the Docker Engine sent an archive that cannot be read: ${why}`);
}
