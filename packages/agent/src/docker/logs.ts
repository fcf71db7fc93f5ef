import type { EngineHttp } from "./http.ts";
import { objectOf } from "./json.ts";
import { inspectContainer } from "./list.ts";

const MAX_LOG_BYTES = 256 * 1024;
const MAX_LINES = 10_000;
const FRAME_HEAD = 8;

/** The last `lines` lines of a container, both streams in order, at most 256 KiB (the end is kept); empty when it is gone. */
export async function readLogs(http: EngineHttp, id: string, lines: number, signal?: AbortSignal): Promise<string> {
  const container = await inspectContainer(http, id, signal);
  if (container === undefined) return "";
  const isRaw = objectOf(container["Config"])["Tty"] === true;
  const answer = await http.stream({
    method: "GET",
    path: `/containers/${encodeURIComponent(id)}/logs`,
    query: { stdout: "1", stderr: "1", tail: String(Math.max(1, Math.min(lines, MAX_LINES))) },
    signal,
  });
  return tailOf(isRaw ? answer : demultiplexed(answer));
}

/** The payloads of a multiplexed stream: 8 bytes of head (stream, three zeros, length in big endian), then the bytes. */
export async function* demultiplexed(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0);
  let left = 0;
  for await (const chunk of stream) {
    let rest: Uint8Array = chunk;
    while (rest.length > 0) {
      if (left > 0) {
        yield rest.subarray(0, left);
        const taken = Math.min(left, rest.length);
        left -= taken;
        rest = rest.subarray(taken);
        continue;
      }
      const missing = FRAME_HEAD - head.length;
      head = Buffer.concat([head, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (head.length < FRAME_HEAD) break;
      left = head.readUInt32BE(4);
      head = Buffer.alloc(0);
    }
  }
}

async function tailOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    kept.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > 2 * MAX_LOG_BYTES) {
      kept = [Buffer.concat(kept).subarray(-MAX_LOG_BYTES)];
      size = MAX_LOG_BYTES;
    }
  }
  const text = Buffer.concat(kept).subarray(-MAX_LOG_BYTES).toString("utf8");
  return size > MAX_LOG_BYTES ? text.slice(text.indexOf("\n") + 1) : text;
}
