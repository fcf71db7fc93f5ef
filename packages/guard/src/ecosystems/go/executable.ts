/** A stretch of a file, `[start, end)`. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** Bytes of a file's start that are enough to find its data segment. */
export const HEAD_BYTES = 8192;
const MAX_SEGMENTS = 200;
const PT_LOAD = 1;
const PF_W = 2;
const PF_X = 1;

/**
 * Where an executable keeps writable data, which is where the Go linker puts its build information: from the program headers of ELF,
 * the sections of PE, the segments of Mach-O. Undefined when `head` is none of them. Ranges are in order of their start.
 */
export function dataRanges(head: Buffer): readonly FileRange[] | undefined {
  const ranges = elfRanges(head) ?? peRanges(head) ?? machRanges(head);
  return ranges?.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
}

/**
 * Where an ELF program keeps what neither changes nor runs, which is where linkers put constant sections; in programs that have no
 * segment of their own for it, the segments that run. Undefined when `head` is no ELF.
 */
export function constantRanges(head: Buffer): readonly FileRange[] | undefined {
  const constant = elfRanges(head, (flags) => (flags & (PF_W | PF_X)) === 0);
  const ranges = constant?.length === 0 ? elfRanges(head, (flags) => (flags & PF_W) === 0) : constant;
  return ranges?.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
}

/** Reads numbers of either byte order; what lies outside reads as 0. */
interface Numbers {
  u16(at: number): number;
  u32(at: number): number;
  /** A 64-bit number; beyond 2^53 it is of no use and reads as 0. */
  u64(at: number): number;
}

function numbersOf(bytes: Buffer, littleEndian: boolean): Numbers {
  const inside = (at: number, size: number) => at >= 0 && at + size <= bytes.length;
  const u16 = (at: number) => {
    if (!inside(at, 2)) return 0;
    return littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  };
  const u32 = (at: number) => {
    if (!inside(at, 4)) return 0;
    return littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  };
  const u64 = (at: number) => {
    if (!inside(at, 8)) return 0;
    const value = Number(littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
    return Number.isSafeInteger(value) ? value : 0;
  };
  return { u16, u32, u64 };
}

/** ELF: loadable segments of the wanted flags, writable ones if nothing is said (System V ABI, "Program Header"). */
function elfRanges(head: Buffer, wanted = (flags: number): boolean => (flags & PF_W) !== 0): FileRange[] | undefined {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const is64 = head[4] === 2;
  const n = numbersOf(head, head[5] === 1);
  const tableAt = is64 ? n.u64(32) : n.u32(28);
  const entryBytes = n.u16(is64 ? 54 : 42);
  const count = Math.min(n.u16(is64 ? 56 : 44), MAX_SEGMENTS);
  const ranges: FileRange[] = [];
  for (let index = 0; index < count; index++) {
    const at = tableAt + index * entryBytes;
    const flags = n.u32(is64 ? at + 4 : at + 24);
    if (n.u32(at) !== PT_LOAD || !wanted(flags)) continue;
    const start = is64 ? n.u64(at + 8) : n.u32(at + 4);
    ranges.push({ start, end: start + (is64 ? n.u64(at + 32) : n.u32(at + 16)) });
  }
  return ranges;
}

/** PE: sections of initialised, writable data (PE format, "Section Table"). */
function peRanges(head: Buffer): FileRange[] | undefined {
  if (head.length < 64 || head[0] !== 0x4d || head[1] !== 0x5a) return undefined;
  const n = numbersOf(head, true);
  const at = n.u32(0x3c);
  if (n.u32(at) !== 0x4550) return undefined;
  const tableAt = at + 24 + n.u16(at + 20);
  const ranges: FileRange[] = [];
  for (let index = 0; index < Math.min(n.u16(at + 6), MAX_SEGMENTS); index++) {
    const section = tableAt + index * 40;
    const flags = n.u32(section + 36);
    if ((flags & 0x40) === 0 || (flags & 0x80000000) === 0) continue;
    const start = n.u32(section + 20);
    ranges.push({ start, end: start + n.u32(section + 16) });
  }
  return ranges;
}

/** Mach-O: the `__DATA` and `__DATA_CONST` segments (mach-o/loader.h, `segment_command`). */
function machRanges(head: Buffer): FileRange[] | undefined {
  if (head.length < 32) return undefined;
  const magic = head.readUInt32LE(0);
  const is64 = magic === 0xfeedfacf;
  if (!is64 && magic !== 0xfeedface) return undefined;
  const n = numbersOf(head, true);
  const ranges: FileRange[] = [];
  let at = is64 ? 32 : 28;
  for (let index = 0; index < Math.min(n.u32(16), MAX_SEGMENTS); index++) {
    const size = n.u32(at + 4);
    if (size < 8) break;
    const isSegment = n.u32(at) === (is64 ? 0x19 : 1);
    if (isSegment && head.toString("latin1", at + 8, at + 14) === "__DATA") {
      const start = is64 ? n.u64(at + 40) : n.u32(at + 32);
      ranges.push({ start, end: start + (is64 ? n.u64(at + 48) : n.u32(at + 36)) });
    }
    at += size;
  }
  return ranges;
}
