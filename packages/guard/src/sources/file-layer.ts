import { isCoded } from "@flotilla/base/errors";
import { compressionOf } from "@flotilla/oci/decompress";
import { openPositioned, type PositionedSource, sliceOf } from "@flotilla/oci/positioned";
import { type WalkedEntry, walkTar } from "@flotilla/oci/tar/walk";
import { createCollector, type OpenFile } from "../collector.ts";
import { createLayerScanner, SCAN_FORMAT } from "../layer-scanner.ts";
import type { LayerScan } from "../model.ts";
import type { FileLayer } from "../pool-messages.ts";
import { openEntry } from "../tar-visitor.ts";

/** Bodies up to this size come out of the walker's own window; of larger ones only the wanted parts are read. */
const SMALL_BODY_BYTES = 64 * 1024;
const PIECE_BYTES = 128 * 1024;

/** Scans a layer in a local file. An uncompressed one whose diff id is known is walked by positioned reads: what nobody wants is not read. */
export async function scanFileLayer(layer: FileLayer): Promise<LayerScan> {
  using file = openPositioned(layer.file);
  const source = sliceOf(file, layer.offset, layer.sizeBytes);
  const head = Buffer.alloc(4);
  source.read(head, 0);
  if (layer.diffId !== undefined && compressionOf(head) === "none") return walkLayer(source, layer);
  const scanner = createLayerScanner({
    wanted: layer.wanted,
    ...(layer.diffId === undefined ? {} : { diffId: layer.diffId }),
  });
  // A written chunk is free again once `write` has resolved: one buffer does for all of them.
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; at < source.sizeBytes; ) {
    const count = source.read(piece.subarray(0, Math.min(PIECE_BYTES, source.sizeBytes - at)), at);
    if (count === 0) break;
    await scanner.write(piece.subarray(0, count));
    at += count;
  }
  return scanner.end();
}

function walkLayer(source: PositionedSource, layer: FileLayer): LayerScan {
  const collector = createCollector(layer.wanted);
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  try {
    for (const entry of walkTar(source)) {
      const open = openEntry(collector, entry);
      if (open !== undefined) readBody(source, entry, open, piece);
    }
  } catch (error) {
    if (!isCoded(error)) throw error;
    collector.problem("", `${error.code}: ${error.message}`);
  }
  const { facts, ...collected } = collector.finish();
  if (layer.diffId === undefined) throw new TypeError("a layer is walked only when its diff id is known");
  return { format: SCAN_FORMAT, diffId: layer.diffId, sizeBytes: source.sizeBytes, ...collected, facts };
}

function readBody(source: PositionedSource, entry: WalkedEntry, open: OpenFile, piece: Buffer): void {
  if (entry.sizeBytes <= SMALL_BODY_BYTES) readSmall(entry, open);
  else readWanted(source, entry, open, piece);
  open.end();
}

function readSmall(entry: WalkedEntry, open: OpenFile): void {
  let at = 0;
  for (const chunk of entry.chunks()) {
    open.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length), at);
    at += chunk.length;
  }
}

function readWanted(source: PositionedSource, entry: WalkedEntry, open: OpenFile, piece: Buffer): void {
  for (let at = 0; at < entry.sizeBytes; ) {
    const target = piece.subarray(0, Math.min(PIECE_BYTES, entry.sizeBytes - at));
    const count = source.read(target, entry.bodyOffset + at);
    if (count === 0) return;
    at = open.write(target.subarray(0, count), at);
  }
}
