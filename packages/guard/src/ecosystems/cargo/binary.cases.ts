import { deflateSync } from "node:zlib";
import type { InventoryCase } from "../contract.cases.ts";

const SIZE = 300_000;
const CONSTANT_AT = 0x10000;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

interface Options {
  readonly at?: number;
  /** Flags of the segment from {@link CONSTANT_AT} on. */
  readonly flags?: number;
}

/** An ELF program of 64 bits: a segment that runs, one from 64 kB on with `blob` in it, and noise that looks like zlib here and there. */
export function elfWith(blob: Buffer, { at = 0x23456, flags = PF_R }: Options = {}): Buffer {
  const bytes = Buffer.alloc(SIZE);
  for (let index = 0x1000; index < SIZE; index++) bytes[index] = (index * 31 + (index >> 8) * 17) & 0xff;
  for (const fake of [0x11000, 0x22000, at - 3]) Buffer.from([0x78, 0x9c, 0x4d]).copy(bytes, fake);
  bytes.write("\x7fELF", "latin1");
  bytes[4] = 2;
  bytes[5] = 1;
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(2, 56);
  for (const [index, start, end, segment] of [
    [0, 0, CONSTANT_AT, PF_R | PF_X],
    [1, CONSTANT_AT, SIZE, flags],
  ] as const) {
    const header = 64 + index * 56;
    bytes.writeUInt32LE(1, header);
    bytes.writeUInt32LE(segment, header + 4);
    bytes.writeBigUInt64LE(BigInt(start), header + 8);
    bytes.writeBigUInt64LE(BigInt(end - start), header + 32);
  }
  blob.copy(bytes, at);
  return bytes;
}

const list = {
  packages: [
    { name: "adler", version: "1.0.2", source: "crates.io", dependencies: [] },
    { name: "app", version: "0.1.0", source: "local", root: true, dependencies: [2, 3] },
    { name: "cc", version: "1.0.83", source: "crates.io", kind: "build" },
    { name: "flate2", version: "1.0.28", source: "registry", dependencies: [0, 99] },
    { name: "forked", version: "0.1.0", source: "git" },
    { name: "../evil", version: "0.1.0", source: "crates.io" },
    ...Array.from({ length: 40 }, (_, index) => ({ name: `local-${index * 7919}`, version: "0.0.1", source: "local" })),
  ],
};
const packed = deflateSync(JSON.stringify(list), { level: 7 });
const expected = [
  "pkg:cargo/adler@1.0.2 installed indirect by:flate2@1.0.28",
  "pkg:cargo/cc@1.0.83 installed dev direct",
  "pkg:cargo/flate2@1.0.28 installed direct",
];
const problems = ["malformed: 1 that cannot be read: ../evil", "no-version: 1 from a URL or a folder"];

export const binaryCases: readonly InventoryCase[] = [
  { name: "a program of cargo auditable", path: "usr/bin/app", content: elfWith(packed), packages: expected, problems },
  {
    name: "a program with its constants among what runs",
    path: "usr/bin/app",
    content: elfWith(packed, { flags: PF_R | PF_X, at: CONSTANT_AT }),
    packages: expected,
    problems,
  },
  {
    name: "a list at the very end",
    path: "app",
    content: elfWith(packed, { at: SIZE - packed.length }),
    packages: expected,
    problems,
  },
  {
    name: "a list that is cut off",
    path: "app",
    content: elfWith(packed.subarray(0, 250), { at: SIZE - 250 }),
    packages: [],
    problems: ["truncated: the list of crates"],
  },
  {
    name: "a list in what can be written",
    path: "app",
    content: elfWith(packed, { flags: PF_R | PF_W }),
    packages: [],
  },
  { name: "another stream", path: "app", content: elfWith(deflateSync('{"other":[]}')), packages: [] },
  {
    name: "a list that unpacks to too much",
    path: "app",
    content: elfWith(deflateSync(`{"packages":[${" ".repeat(20_000_000)}]}`)),
    packages: [],
  },
  { name: "a shared library is not searched", path: "usr/lib/x.so.1", content: elfWith(packed), packages: [] },
];
