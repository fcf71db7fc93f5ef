import { type Extraction, type FileReader, NO_MORE, NOTHING, type StreamExtractor } from "../ecosystem.ts";
import { constantRanges, type FileRange, HEAD_BYTES } from "../go/executable.ts";
import { mayBeProgram } from "../program-name.ts";
import { isList, nextCandidate, PROBE_BYTES, readList } from "./auditable.ts";

/** The smallest Rust program with a list is larger. */
const MIN_BINARY_BYTES = 64 * 1024;
/** Lists of real programs have some kilobytes. */
const MAX_PACKED_BYTES = 2 * 1024 * 1024;
/** Streams tried in one program; chance gives some twenty a megabyte. */
const MAX_PROBES = 1_000;
const SHARED_LIBRARY = /\.so(?:\.[\d.]+)?$/;

/**
 * Crates that `cargo auditable` wrote into an ELF program (section `.dep-v0`). The table of sections stands at the end of a file, where a
 * stream comes too late; so the constant segments are searched for a zlib stream that begins as the list does.
 */
export const binaryExtractor: StreamExtractor = {
  kind: "stream",
  id: "cargo-auditable",
  wants: (path) => mayBeProgram(path) && !SHARED_LIBRARY.test(path),
  open: (_path, sizeBytes) => (sizeBytes < MIN_BINARY_BYTES ? undefined : new AuditableReader()),
};

/** First gathers the head, then looks for the list in the constant segments, then gathers the list. */
class AuditableReader implements FileReader {
  #head: Buffer | undefined = Buffer.alloc(0);
  #ranges: readonly FileRange[] = [];
  /** What could not be judged yet; or, once found, the packed list so far. */
  #carry: Buffer = Buffer.alloc(0);
  #carryAt = 0;
  #found = false;
  #tryAt = 0;
  #probes = 0;
  #result: Extraction | undefined;

  write(chunk: Buffer, at: number): number {
    return this.#head === undefined ? this.#search(chunk, at) : this.#takeHead(chunk, at);
  }

  end(): Extraction {
    if (this.#result !== undefined) return this.#result;
    if (!this.#found) this.#judge(this.#carry, this.#carryAt, true);
    if (!this.#found) return NOTHING;
    return readList(this.#carry) ?? { ...NOTHING, problems: ["truncated: the list of crates is cut short"] };
  }

  #takeHead(chunk: Buffer, at: number): number {
    const head = Buffer.concat([this.#head ?? Buffer.alloc(0), chunk.subarray(0, HEAD_BYTES - at)]);
    if (head.length < HEAD_BYTES) {
      if (head.length >= 64 && constantRanges(head) === undefined) return NO_MORE;
      this.#head = head;
      return at + chunk.length;
    }
    this.#head = undefined;
    this.#ranges = constantRanges(head) ?? [];
    const next = this.#search(head, 0);
    const rest = chunk.subarray(HEAD_BYTES - at);
    const end = at + chunk.length;
    if (next >= end || rest.length === 0) return next;
    const from = Math.max(next, HEAD_BYTES);
    return this.#search(chunk.subarray(from - at), from);
  }

  #search(chunk: Buffer, at: number): number {
    const isNext = this.#carry.length > 0 && this.#carryAt + this.#carry.length === at;
    if (!isNext && !this.#found) this.#judge(this.#carry, this.#carryAt, true);
    if (this.#result !== undefined) return NO_MORE;
    const bytes = isNext ? Buffer.concat([this.#carry, chunk]) : Buffer.from(chunk);
    const base = isNext ? this.#carryAt : at;
    const from = this.#found ? 0 : this.#judge(bytes, base, false);
    this.#carry = bytes.subarray(from);
    this.#carryAt = base + from;
    if (this.#found) this.#tryToRead();
    if (this.#result !== undefined) return NO_MORE;
    return this.#found ? at + chunk.length : this.#nextWanted(at + chunk.length);
  }

  /** Looks at every candidate that has enough bytes behind it, or at all when no more come; gives the offset of what is left to judge. */
  #judge(bytes: Buffer, base: number, isLast: boolean): number {
    for (let at = nextCandidate(bytes, 0); at >= 0; at = nextCandidate(bytes, at + 1)) {
      if (!this.#isInRange(base + at)) continue;
      if (!isLast && bytes.length - at < PROBE_BYTES) return at;
      if (++this.#probes > MAX_PROBES) {
        this.#result = { ...NOTHING, problems: [`too-many-streams: no list of crates among the first ${MAX_PROBES}`] };
        return bytes.length;
      }
      if (isList(bytes.subarray(at))) {
        this.#found = true;
        this.#carry = bytes.subarray(at);
        return at;
      }
    }
    return bytes.length;
  }

  /** Unpacks each time the bytes have doubled, so that the work stays linear. */
  #tryToRead(): void {
    if (this.#carry.length < this.#tryAt) return;
    this.#tryAt = this.#carry.length * 2;
    this.#result = readList(this.#carry);
    if (this.#result === undefined && this.#carry.length > MAX_PACKED_BYTES)
      this.#result = { ...NOTHING, problems: [`too-large: a list of crates of more than ${MAX_PACKED_BYTES} bytes`] };
  }

  #isInRange(offset: number): boolean {
    return this.#ranges.some(({ start, end }) => start <= offset && offset < end);
  }

  #nextWanted(offset: number): number {
    for (const { start, end } of this.#ranges) {
      if (offset < start) return start;
      if (offset < end) return offset;
    }
    return NO_MORE;
  }
}
