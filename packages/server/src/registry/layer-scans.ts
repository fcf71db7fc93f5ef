import { toInstant } from "@flotilla/base/clock";
import { algorithmOf, type Digest } from "@flotilla/base/digest";
import { CodedError, messageOf } from "@flotilla/base/errors";
import { type LayerScanner, SCAN_FORMAT } from "@flotilla/guard/layer-scanner";
import type { LayerScan } from "@flotilla/guard/model";
import type { ScanPool } from "@flotilla/guard/pool";
import { compressionOf } from "@flotilla/oci/decompress";
import { openPositioned } from "@flotilla/oci/positioned";
import { Counter } from "prom-client";
import type { Context } from "../context.ts";
import type { BlobStore } from "./blob-store.ts";
import { isWholeLayer } from "./layer-problems.ts";

/** Uploads that are scanned while they arrive; those beyond are scanned from the disk when their manifest comes. */
const MAX_STREAMS = 64;
/** Bytes of all uploads that may wait to be scanned: little, so that a verdict comes soon after the last byte. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** An upload waits so long for a scanner that takes nothing; then its layer is scanned from the disk. */
const STALL_MS = 30_000;
const WANTED = { inventory: true, secrets: true };

/** The scans of layers, kept by what the layers hold, made once for the whole server. */
export interface LayerScans {
  /**
   * The next bytes of an upload, in order from its first one; `offset` is where they stand. Resolves when more may come: an upload is never far ahead of
   * the guard, so that its verdict is there soon after its last byte.
   */
  feed(upload: string, offset: number, chunk: Uint8Array): Promise<void>;
  /** The upload became this blob of so many bytes: keeps its scan. Returns at once; {@link LayerScans.scanOf} waits for it. */
  finish(upload: string, blob: Digest, sizeBytes: number): void;
  /** The upload is given up. */
  drop(upload: string): void;
  /** The scan of a blob as a layer: kept, under way, or made from the disk now. */
  scanOf(blob: Digest): Promise<LayerScan>;
}

interface Stream {
  readonly scanner: LayerScanner;
  nextOffset: number;
  /** What the scanner was given so far, taken by it. */
  written: Promise<void>;
  /** It failed or was given up: the rest is not looked at. */
  isLost: boolean;
}

type Ports = Pick<Context, "database" | "clock" | "log" | "metrics">;

/** Layer scans on worker threads of `pool`. */
export function createLayerScans(context: Ports, blobs: BlobStore, pool: ScanPool): LayerScans {
  return new StoredLayerScans(context, blobs, pool);
}

class StoredLayerScans implements LayerScans {
  readonly #context: Ports;
  readonly #blobs: BlobStore;
  readonly #pool: ScanPool;
  readonly #bytes: Counter<"source">;
  /** Scanners of uploads under way. */
  readonly #streams = new Map<string, Stream>();
  #waitingBytes = 0;
  /** Scans that end soon, by blob; undefined when one was lost. */
  readonly #underWay = new Map<Digest, Promise<LayerScan | undefined>>();

  constructor(context: Ports, blobs: BlobStore, pool: ScanPool) {
    this.#context = context;
    this.#blobs = blobs;
    this.#pool = pool;
    this.#bytes = countBytes(context.metrics);
  }

  async feed(upload: string, offset: number, chunk: Uint8Array): Promise<void> {
    const stream = this.#streams.get(upload) ?? this.#begin(upload, offset, chunk);
    if (stream === undefined) return;
    if (stream.nextOffset !== offset) {
      this.drop(upload);
      return;
    }
    this.#queue(upload, stream, chunk);
    if (this.#waitingBytes > MAX_WAITING_BYTES && !(await this.#drained(stream))) this.drop(upload);
  }

  #queue(upload: string, stream: Stream, chunk: Uint8Array): void {
    stream.nextOffset += chunk.length;
    this.#waitingBytes += chunk.length;
    this.#bytes.inc({ source: "upload" }, chunk.length);
    const write = () => (stream.isLost ? undefined : stream.scanner.write(chunk));
    stream.written = stream.written
      .then(write)
      .catch((error: unknown) => {
        if (!stream.isLost) this.#lost({ upload, error: messageOf(error) });
        stream.isLost = true;
      })
      .finally(() => {
        this.#waitingBytes -= chunk.length;
      });
  }

  /** Whether the scanner took all that it was given, and not too late. */
  async #drained(stream: Stream): Promise<boolean> {
    const stop = new AbortController();
    const stalled = this.#context.clock.sleep(STALL_MS, stop.signal).then(
      () => false,
      () => true,
    );
    const taken = await Promise.race([stream.written.then(() => true), stalled]);
    stop.abort();
    return taken;
  }

  finish(upload: string, blob: Digest, sizeBytes: number): void {
    const stream = this.#streams.get(upload);
    if (stream === undefined) return;
    // A write that failed in its middle leaves bytes on the disk that the scanner never had.
    if (stream.nextOffset !== sizeBytes || stream.isLost) {
      this.drop(upload);
      return;
    }
    this.#streams.delete(upload);
    this.#track(blob, this.#finishStream(stream, blob));
  }

  drop(upload: string): void {
    const stream = this.#streams.get(upload);
    if (stream === undefined) return;
    stream.isLost = true;
    stream.scanner.abort();
    this.#streams.delete(upload);
  }

  async scanOf(blob: Digest): Promise<LayerScan> {
    const running = await this.#underWay.get(blob);
    const known = running ?? (await load(this.#context, blob));
    if (known !== undefined) return known;
    const again = this.#underWay.get(blob) ?? this.#track(blob, this.#scanFromDisk(blob));
    return (await again) ?? this.#scanFromDisk(blob);
  }

  #begin(upload: string, offset: number, chunk: Uint8Array): Stream | undefined {
    if (offset !== 0 || this.#streams.size >= MAX_STREAMS || !looksLikeLayer(chunk)) return undefined;
    const scanner = this.#pool.scanner({ wanted: WANTED });
    const stream = { scanner, nextOffset: 0, written: Promise.resolve(), isLost: false };
    this.#streams.set(upload, stream);
    return stream;
  }

  #track(blob: Digest, work: Promise<LayerScan | undefined>): Promise<LayerScan | undefined> {
    const tracked = work.finally(() => {
      if (this.#underWay.get(blob) === tracked) this.#underWay.delete(blob);
    });
    tracked.catch(() => {}); // told to whoever waits for the scan
    this.#underWay.set(blob, tracked);
    return tracked;
  }

  async #finishStream(stream: Stream, blob: Digest): Promise<LayerScan | undefined> {
    try {
      await stream.written;
      if (stream.isLost) return undefined;
      const scan = await stream.scanner.end();
      await keep(this.#context, blob, scan);
      return scan;
    } catch (error) {
      this.#lost({ blob, error: messageOf(error) });
      return undefined;
    }
  }

  async #scanFromDisk(blob: Digest): Promise<LayerScan> {
    const file = this.#blobs.localPath(blob);
    const sizeBytes = await this.#blobs.sizeOf(blob);
    if (file === undefined || sizeBytes === undefined)
      throw new CodedError("layer-unreadable", `the registry does not hold the bytes of ${blob}`);
    this.#bytes.inc({ source: "disk" }, sizeBytes);
    const diffId = isPlain(file) && algorithmOf(blob) === "sha256" ? { diffId: blob } : {};
    const scan = await this.#pool.scanFile({ file, offset: 0, sizeBytes, wanted: WANTED, ...diffId });
    await keep(this.#context, blob, scan);
    return scan;
  }

  #lost(what: Readonly<Record<string, unknown>>): void {
    this.#context.log.warn(what, "scan of an upload was lost; its blob is scanned from the disk");
  }
}

/** Layer bytes that the guard was given: only a layer whose scan was lost is read again, from the disk. */
function countBytes({ registry }: Context["metrics"]): Counter<"source"> {
  const counter = new Counter({
    name: "flotilla_registry_scanned_bytes",
    help: "Layer bytes that were scanned, while they were uploaded or from the disk",
    labelNames: ["source"],
    registers: [registry],
  });
  counter.inc({ source: "upload" }, 0);
  counter.inc({ source: "disk" }, 0);
  return counter;
}

async function load({ database }: Pick<Context, "database">, blob: Digest): Promise<LayerScan | undefined> {
  const row = await database.read
    .selectFrom("registry_layers as l")
    .innerJoin("registry_layer_scans as s", (join) =>
      join.onRef("s.diff_id", "=", "l.diff_id").onRef("s.format", "=", "l.format"),
    )
    .select("s.scan")
    .where("l.blob", "=", blob)
    .where("l.format", "=", SCAN_FORMAT)
    .executeTakeFirst();
  return row && (JSON.parse(row.scan) as LayerScan);
}

async function keep(
  { database, clock }: Pick<Context, "database" | "clock">,
  blob: Digest,
  scan: LayerScan,
): Promise<void> {
  const { format } = scan;
  const diff_id = keyOf(blob, scan);
  const text = JSON.stringify(scan);
  await database.writeLazily(async (trx) => {
    await trx
      .insertInto("registry_layer_scans")
      .values({ diff_id, format, scan: text, created_at: toInstant(clock.now()) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await trx
      .insertInto("registry_layers")
      .values({ blob, diff_id, format })
      .onConflict((conflict) => conflict.column("blob").doUpdateSet({ diff_id, format }))
      .execute();
  });
}

/**
 * What a scan is shared by: the layer's diff id. The one of a layer that was not read to its end is only of what could be read, which may be another layer
 * whole (with rubbish after it): its scan is kept for this blob alone.
 */
function keyOf(blob: Digest, scan: LayerScan): string {
  return scan.problems.some(isWholeLayer) ? `blob ${blob}` : scan.diffId;
}

/** Compressed, or a tar with its magic; anything else waits for a manifest that calls it a layer. */
function looksLikeLayer(head: Uint8Array): boolean {
  return compressionOf(head) !== "none" || Buffer.from(head.subarray(257, 262)).toString("latin1") === "ustar";
}

function isPlain(file: string): boolean {
  using source = openPositioned(file);
  const head = Buffer.alloc(4);
  source.read(head, 0);
  return compressionOf(head) === "none";
}
