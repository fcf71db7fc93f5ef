import { type Extraction, type FileReader, NO_MORE, NOTHING, type WholeFileExtractor } from "./ecosystems/ecosystem.ts";

/** Collects a body up to the extractor's bound and hands it over whole; a body that came in one piece is not copied. */
export function readWhole(extractor: WholeFileExtractor, path: string, sizeBytes: number): FileReader {
  if (sizeBytes > extractor.maxBytes)
    return refusing(`too-large: ${sizeBytes} bytes, the bound is ${extractor.maxBytes}`);
  let buffer: Buffer | undefined;
  let filled = 0;
  let result: Extraction | undefined;
  return {
    write(chunk, at) {
      if (at === 0 && chunk.length >= sizeBytes) {
        result = extractor.read({ path, bytes: chunk });
        return NO_MORE;
      }
      buffer ??= Buffer.allocUnsafe(sizeBytes);
      chunk.copy(buffer, at);
      filled = at + chunk.length;
      return filled;
    },
    end() {
      if (result !== undefined) return result;
      const read = extractor.read({ path, bytes: buffer?.subarray(0, filled) ?? Buffer.alloc(0) });
      return filled < sizeBytes ? { ...read, problems: [...read.problems, cutShort(filled, sizeBytes)] } : read;
    },
  };
}

function cutShort(filled: number, sizeBytes: number): string {
  return `truncated: ${filled} of ${sizeBytes} bytes`;
}

function refusing(reason: string): FileReader {
  return { write: () => NO_MORE, end: () => ({ ...NOTHING, problems: [reason] }) };
}
