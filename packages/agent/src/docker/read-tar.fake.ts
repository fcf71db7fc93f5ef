/** The files of an archive by name, for what tests stand in for an engine; ustar without extensions. */
export async function readTar(stream: AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const files = new Map<string, Buffer>();
  for (let at = 0; bytes[at] !== 0 && at < bytes.length; ) {
    const name = bytes.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(bytes.toString("latin1", at + 124, at + 135), 8);
    files.set(name, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
