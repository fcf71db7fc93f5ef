// The smallest programs there are: Linux executables of a few hundred bytes, written out here so that the demo's images need nothing from
// the machine, yet run on a real Docker Engine. Static ELF (ELF-64 specification; Linux system call numbers of each architecture).

export type Architecture = "amd64" | "arm64";

const MACHINES: Readonly<Record<Architecture, number>> = { amd64: 62, arm64: 183 };
const LOAD_ADDRESS = 0x400000;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const HEADERS_BYTES = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;

/** Writes a line, then sleeps until it is killed. */
export function sayAndStay(architecture: Architecture, line: string): Uint8Array {
  const text = new TextEncoder().encode(`${line}\n`);
  return elf(architecture, concat([architecture === "amd64" ? stayAmd64(text.length) : stayArm64(text.length), text]));
}

/** Ends at once with this code. */
export function exitWith(architecture: Architecture, code: number): Uint8Array {
  if (architecture === "arm64") return elf(architecture, words([movz(8, 93), movz(0, code), SVC])); // exit
  return elf(architecture, Uint8Array.from([0xb8, ...le32(60), 0xbf, ...le32(code), 0x0f, 0x05])); // exit
}

function stayAmd64(length: number): Uint8Array {
  const write = [0xb8, ...le32(1), 0xbf, ...le32(1), 0x48, 0x8d, 0x35, ...le32(16), 0xba, ...le32(length), 0x0f, 0x05];
  const pause = [0xb8, ...le32(34), 0x0f, 0x05, 0xeb, 0xf7]; // pause, and again
  return Uint8Array.from([...write, ...pause]);
}

function stayArm64(length: number): Uint8Array {
  const adrTextToX1 = 0x10000141; // adr x1, . + 40
  const write = [movz(8, 64), movz(0, 1), adrTextToX1, movz(2, length), SVC];
  const backSix = 0x17fffffa; // b . - 24
  const ppollForEver = [movz(0, 0), movz(1, 0), movz(2, 0), movz(3, 0), movz(8, 73), SVC, backSix];
  return words([...write, ...ppollForEver]);
}

const SVC = 0xd4000001;

/** `movz xN, #value` */
function movz(register: number, value: number): number {
  return (0xd2800000 | (value << 5) | register) >>> 0;
}

function elf(architecture: Architecture, code: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADERS_BYTES));
  const size = HEADERS_BYTES + code.length;
  view.setUint32(0, 0x7f454c46); // magic
  view.setUint32(4, 0x02010100); // 64 bits, little-endian, version 1, System V
  view.setUint16(16, 2, true); // executable
  view.setUint16(18, MACHINES[architecture], true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(LOAD_ADDRESS + HEADERS_BYTES), true); // entry
  view.setBigUint64(32, BigInt(ELF_HEADER_BYTES), true); // program headers
  view.setUint16(52, ELF_HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true);
  const segment = ELF_HEADER_BYTES;
  view.setUint32(segment, 1, true); // load
  view.setUint32(segment + 4, 5, true); // read, execute
  view.setBigUint64(segment + 16, BigInt(LOAD_ADDRESS), true);
  view.setBigUint64(segment + 24, BigInt(LOAD_ADDRESS), true);
  view.setBigUint64(segment + 32, BigInt(size), true);
  view.setBigUint64(segment + 40, BigInt(size), true);
  view.setBigUint64(segment + 48, BigInt(0x1000), true);
  return concat([new Uint8Array(view.buffer), code]);
}

function words(instructions: readonly number[]): Uint8Array {
  return Uint8Array.from(instructions.flatMap(le32));
}

function le32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
