// A layer of 5 GB, made as it is sent and held by nobody: pushed to and pulled from a server process of its own, whose peak memory (VmHWM) must stay
// under a bound that does not grow with the layer. The layer is a tar with one file, so the guard looks at it as well.
import { createHash } from "node:crypto";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { tarEnd, tarHeader } from "@flotilla/oci/tar/write";
import { start } from "./registry/servers.ts";

const FILE_BYTES = 5 * 2 ** 30;
const PIECE_BYTES = 2 ** 20;
/** What a server may take for a push of any size, the guard's threads in it. */
const MAX_PEAK_MB = 450;

export async function measure(say: (line: string) => void): Promise<Record<string, unknown>> {
  const digest = await digestOf(layer());
  const head = tarHeader({ kind: "file", path: "large.bin", sizeBytes: FILE_BYTES });
  const sizeBytes = head.length + FILE_BYTES + tarEnd().length;
  await using registry = await start("flotilla");
  const idleMb = registry.peakMb();
  const before = performance.now();
  await registry.client.pushBlob("default/large", { digest, sizeBytes, content: layer });
  const pushed = performance.now();
  const afterPushMb = registry.peakMb();
  for await (const _ of registry.client.readBlob("default/large", { digest, size: sizeBytes })); // verified as it is read
  const pulled = performance.now();
  const peakMb = registry.peakMb();
  say(
    `idle ${idleMb.toFixed(0)} MB, after the push ${afterPushMb.toFixed(0)} MB, after the pull ${peakMb.toFixed(0)} MB`,
  );
  if (peakMb > MAX_PEAK_MB) throw new Error(`the server took ${peakMb.toFixed(0)} MB; the bound is ${MAX_PEAK_MB} MB`);
  const pushSeconds = (pushed - before) / 1000;
  const pullSeconds = (pulled - pushed) / 1000;
  return { sizeBytes, idleMb, afterPushMb, peakMb, pushSeconds, pullSeconds };
}

async function* layer(): AsyncGenerator<Uint8Array> {
  yield tarHeader({ kind: "file", path: "large.bin", sizeBytes: FILE_BYTES });
  const piece = createHash("shake256", { outputLength: PIECE_BYTES }).update("large").digest();
  for (let at = 0; at < FILE_BYTES; at += PIECE_BYTES) yield piece;
  yield tarEnd();
}

async function digestOf(content: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(chunk);
  return asDigest(`sha256:${hash.digest("hex")}`);
}
