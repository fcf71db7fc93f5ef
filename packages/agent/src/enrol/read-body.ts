import { CodedError } from "@flotilla/base/errors";

const MAX_BODY_BYTES = 1024 * 1024;

/** The whole of a small answer. */
export async function readBody(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new CodedError("unexpected-response", "the server's answer is larger than 1 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
