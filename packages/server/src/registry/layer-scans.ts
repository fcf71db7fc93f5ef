import { toInstant } from "@flotilla/base/clock";
import { algorithmOf, type Digest } from "@flotilla/base/digest";
import { messageOf } from "@flotilla/base/errors";
import { type LayerScanner, SCAN_FORMAT } from "@flotilla/guard/layer-scanner";
import type { LayerScan } from "@flotilla/guard/model";
import type { ScanPool } from "@flotilla/guard/pool";
import { compressionOf } from "@flotilla/oci/decompress";
import { openPositioned } from "@flotilla/oci/positioned";
import { Counter } from "prom-client";
import type { Context } from "../context.ts";
import type { BlobStore } from "./blob-store.ts";

/** Uploads that are scanned while they arrive; those beyond are scanned from the disk when their manifest comes. */
const MAX_STREAMS = 64;
const WANTED = { inventory: true, secrets: true };

/** The scans of layers, kept by what the layers hold, made once for the whole server. */
export interface LayerScans {
  /** The next bytes of an upload, in order from its first one; `offset` is where they stand. */
  feed(upload: string, offset: number, chunk: Uint8Array): Promise<void>;
  /** The upload became this blob: keeps its scan. Returns at once; {@link LayerScans.scanOf} waits for it. */
  finish(upload: string, blob: Digest): void;
  /** The upload is given up. */
  drop(upload: string): void;
  /** Whether the blob was scanned as a layer. */
  isKnown(blob: Digest): Promise<boolean>;
  /** The scan of a blob as a layer: kept, under way, or made from the disk now. */
  scanOf(blob: Digest): Promise<LayerScan>;
}

interface Stream {
  readonly scanner: LayerScanner;
  nextOffset: number;
}

/** Layer scans on worker threads of `pool`. */
export function createLayerScans(
  context: Pick<Context, "database" | "clock" | "log" | "metrics">,
  blobs: BlobStore,
  pool: ScanPool,
): LayerScans {
  const { log } = context;
  const streams = new Map<string, Stream>();
  const underWay = new Map<Digest, Promise<LayerScan | undefined>>();
  const counter = countBytes(context.metrics);

  function drop(upload: string): void {
    streams.get(upload)?.scanner.abort();
    streams.delete(upload);
  }

  function begin(upload: string, offset: number, chunk: Uint8Array): Stream | undefined {
    if (offset !== 0 || streams.size >= MAX_STREAMS || !looksLikeLayer(chunk)) return undefined;
    const stream = { scanner: pool.scanner({ wanted: WANTED }), nextOffset: 0 };
    streams.set(upload, stream);
    return stream;
  }

  function track(blob: Digest, work: Promise<LayerScan | undefined>): Promise<LayerScan | undefined> {
    const tracked = work.finally(() => {
      if (underWay.get(blob) === tracked) underWay.delete(blob);
    });
    tracked.catch(() => {}); // told to whoever waits for the scan
    underWay.set(blob, tracked);
    return tracked;
  }

  async function finishStream(stream: Stream, blob: Digest): Promise<LayerScan | undefined> {
    try {
      const scan = await stream.scanner.end();
      await keep(context, blob, scan);
      return scan;
    } catch (error) {
      log.warn({ blob, error: messageOf(error) }, "scan of an upload was lost; its blob is scanned from the disk");
      return undefined;
    }
  }

  async function scanFromDisk(blob: Digest): Promise<LayerScan> {
    const file = blobs.localPath(blob);
    const sizeBytes = await blobs.sizeOf(blob);
    if (file === undefined || sizeBytes === undefined) throw new Error(`blob ${blob} is linked but not stored`);
    counter.inc({ source: "disk" }, sizeBytes);
    const diffId = isPlain(file) && algorithmOf(blob) === "sha256" ? blob : undefined;
    const scan = await pool.scanFile({ file, offset: 0, sizeBytes, wanted: WANTED, ...(diffId ? { diffId } : {}) });
    await keep(context, blob, scan);
    return scan;
  }

  return {
    async feed(upload, offset, chunk) {
      const stream = streams.get(upload) ?? begin(upload, offset, chunk);
      if (stream === undefined) return;
      if (stream.nextOffset !== offset) return drop(upload);
      stream.nextOffset += chunk.length;
      counter.inc({ source: "upload" }, chunk.length);
      try {
        await stream.scanner.write(chunk);
      } catch (error) {
        log.warn({ upload, error: messageOf(error) }, "scan of an upload stopped; its blob is scanned from the disk");
        drop(upload);
      }
    },
    finish(upload, blob) {
      const stream = streams.get(upload);
      if (stream === undefined) return;
      streams.delete(upload);
      track(blob, finishStream(stream, blob));
    },
    drop,
    isKnown: async (blob) => (await load(context, blob)) !== undefined,
    async scanOf(blob) {
      const running = await underWay.get(blob);
      const known = running ?? (await load(context, blob));
      if (known !== undefined) return known;
      const again = underWay.get(blob) ?? track(blob, scanFromDisk(blob));
      return (await again) ?? scanFromDisk(blob);
    },
  };
}

/** Layer bytes that the guard was given: no layer is read twice. */
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
  const { diffId: diff_id, format } = scan;
  const text = JSON.stringify(scan);
  await database.write(async (trx) => {
    await trx
      .insertInto("registry_layer_scans")
      .values({ diff_id, format, scan: text, created_at: toInstant(clock.now()) })
      .onConflict((conflict) => conflict.columns(["diff_id", "format"]).doUpdateSet({ scan: text }))
      .execute();
    await trx
      .insertInto("registry_layers")
      .values({ blob, diff_id, format })
      .onConflict((conflict) => conflict.column("blob").doUpdateSet({ diff_id, format }))
      .execute();
  });
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
