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
import type { SourceOptions } from "./source.ts";

/** Images have a few hundred layers at most. */
const MAX_BODIES = 2_000;
const MAX_DOCUMENTS_BYTES = 64 * 1024 * 1024;
/** What is larger is a layer, and so is what does not begin like JSON. */
const MAX_DOCUMENT_BYTES = MAX_CONFIG_BYTES;

/** The stream of a `docker save`. What is a layer is known only at its end, so every body that could be one is scanned as it comes. */
export class ArchiveStream {
  readonly #wanted: Wanted;
  readonly #pool: ScanPool | undefined;
  readonly #parser = createTarParser((entry) => this.#open(entry));
  readonly #documents = new Map<string, Buffer>();
  readonly #scans = new Map<string, Promise<LayerScan>>();
  readonly #links = new Map<string, string>();
  readonly #running = new Set<LayerScanner>();
  #pending: Promise<unknown>[] = [];
  #documentBytes = 0;

  constructor(wanted: Wanted, pool: ScanPool | undefined) {
    this.#wanted = wanted;
    this.#pool = pool;
  }

  /** Reads the whole archive; when that fails, the scans under way are given up. */
  async read(chunks: AsyncIterable<Uint8Array>, options: SourceOptions): Promise<Inventory> {
    try {
      for await (const chunk of chunks) {
        options.signal?.throwIfAborted();
        this.#parser.write(chunk);
        const pending = this.#pending;
        this.#pending = [];
        await Promise.all(pending);
        options.onProgress?.({ what: "layers", done: this.#scans.size, total: undefined });
      }
      return await this.#end();
    } catch (error) {
      for (const scanner of this.#running) scanner.abort();
      throw error;
    }
  }

  async #end(): Promise<Inventory> {
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
    if (this.#documents.size + this.#scans.size >= MAX_BODIES) throw invalid(`it holds more than ${MAX_BODIES} files`);
    return new MaybeLayer(entry, {
      document: (bytes) => {
        this.#documentBytes += bytes.length;
        if (this.#documentBytes > MAX_DOCUMENTS_BYTES) throw invalid("its documents are too large");
        this.#documents.set(entry.path, bytes);
      },
      scanner: () => {
        const options = { wanted: this.#wanted };
        const scanner = this.#pool === undefined ? createLayerScanner(options) : this.#pool.scanner(options);
        this.#running.add(scanner);
        return scanner;
      },
      wait: (promise) => {
        this.#pending.push(promise);
      },
      scan: (scan, scanner) => {
        const settled = () => void this.#running.delete(scanner);
        scan.then(settled, settled);
        this.#scans.set(entry.path, scan);
      },
    });
  }

  #manifest(): { readonly config: string; readonly layers: readonly string[] } {
    const list = parseJson(this.#document("manifest.json"));
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
  scan(scan: Promise<LayerScan>, scanner: LayerScanner): void;
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
    if (scanner !== undefined)
      this.#uses.scan(
        this.#last.then(() => scanner.end()),
        scanner,
      );
  }

  #decide(first: number | undefined): void {
    const isJson = first === 0x7b || first === 0x5b;
    if (isJson && this.#entry.sizeBytes <= MAX_DOCUMENT_BYTES) this.#document = [];
    else this.#scanner = this.#uses.scanner();
  }
}

function invalid(why: string): CodedError {
  return new CodedError("docker-archive-invalid", `docker archive: ${why}`);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid("its manifest.json is not JSON");
    throw error;
  }
}
