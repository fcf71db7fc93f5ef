import type { InventoryCase } from "../contract.cases.ts";

const MIN_BYTES = 256 * 1024;

/** A program as far as the reader looks: an ELF head with one writable segment, and build information in it. */
export function elfWith(blob: Buffer, options: { readonly at?: number; readonly bits?: 32 | 64 } = {}): Buffer {
  const at = options.at ?? 0x21000;
  const bytes = Buffer.alloc(Math.max(MIN_BYTES, at + blob.length + 4096));
  bytes.write("\x7fELF", "latin1");
  const is64 = options.bits !== 32;
  bytes[4] = is64 ? 2 : 1;
  bytes[5] = 1;
  const start = 0x20000;
  if (is64) {
    bytes.writeBigUInt64LE(64n, 32);
    bytes.writeUInt16LE(56, 54);
    bytes.writeUInt16LE(2, 56);
    bytes.writeUInt32LE(1, 64);
    bytes.writeUInt32LE(5, 68);
    bytes.writeUInt32LE(1, 120);
    bytes.writeUInt32LE(6, 124);
    bytes.writeBigUInt64LE(BigInt(start), 128);
    bytes.writeBigUInt64LE(BigInt(bytes.length - start), 152);
  } else {
    bytes.writeUInt32LE(52, 28);
    bytes.writeUInt16LE(32, 42);
    bytes.writeUInt16LE(1, 44);
    bytes.writeUInt32LE(1, 52);
    bytes.writeUInt32LE(start, 56);
    bytes.writeUInt32LE(bytes.length - start, 68);
    bytes.writeUInt32LE(6, 76);
  }
  blob.copy(bytes, at);
  return bytes;
}

export function peWith(blob: Buffer): Buffer {
  const bytes = Buffer.alloc(MIN_BYTES);
  bytes.write("MZ");
  bytes.writeUInt32LE(0x80, 0x3c);
  bytes.write("PE\0\0", 0x80);
  bytes.writeUInt16LE(1, 0x86);
  bytes.writeUInt16LE(0xf0, 0x94);
  const section = 0x80 + 24 + 0xf0;
  bytes.writeUInt32LE(MIN_BYTES - 0x10000, section + 16);
  bytes.writeUInt32LE(0x10000, section + 20);
  bytes.writeUInt32LE(0xc0000040, section + 36);
  blob.copy(bytes, 0x10000);
  return bytes;
}

export function machWith(blob: Buffer): Buffer {
  const bytes = Buffer.alloc(MIN_BYTES);
  bytes.writeUInt32LE(0xfeedfacf, 0);
  bytes.writeUInt32LE(1, 16);
  bytes.writeUInt32LE(0x19, 32);
  bytes.writeUInt32LE(72, 36);
  bytes.write("__DATA", 40);
  bytes.writeBigUInt64LE(0x10000n, 72);
  bytes.writeBigUInt64LE(BigInt(MIN_BYTES - 0x10000), 80);
  blob.copy(bytes, 0x10000);
  return bytes;
}

/** Build information in the inline form (Go 1.18 and newer). */
export function buildInfo(version: string, modules: string): Buffer {
  const header = Buffer.alloc(32);
  header.write("\xff Go buildinf:", "latin1");
  header[14] = 8;
  header[15] = 2;
  const body = Buffer.concat([Buffer.alloc(16, 0x30), Buffer.from(modules), Buffer.alloc(16, 0xf9)]);
  return Buffer.concat([header, counted(Buffer.from(version)), counted(body)]);
}

function counted(bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

function pointers(): Buffer {
  const header = Buffer.alloc(32, 1);
  header.write("\xff Go buildinf:", "latin1");
  header[14] = 8;
  header[15] = 0;
  return header;
}

const modules = [
  "path\texample.com/cmd/app",
  "mod\texample.com/app\t(devel)\t",
  "dep\tgithub.com/Azure/go-autorest\tv14.2.0+incompatible\th1:x=",
  "dep\tgolang.org/x/net\tv0.1.0",
  "=>\tgithub.com/fork/net\tv0.2.0\th1:y=",
  "dep\texample.com/local\tv0.0.0",
  "=>\t./local\t(devel)\t",
  "build\tCGO_ENABLED=0",
  "",
].join("\n");
const expected = [
  "pkg:golang/example.com/app installed",
  "pkg:golang/github.com/Azure/go-autorest@v14.2.0%2Bincompatible installed",
  "pkg:golang/github.com/fork/net@v0.2.0 installed",
  "pkg:golang/stdlib@1.22.3 installed",
];
const program = buildInfo("go1.22.3", modules);
const falseMagic = Buffer.concat([
  Buffer.from("\xff Go buildinf:", "latin1"),
  Buffer.from([8, 2]),
  Buffer.alloc(16),
  Buffer.from("\x03abc"),
]);

export const cases: readonly InventoryCase[] = [
  { name: "an ELF program", path: "usr/local/bin/app", content: elfWith(program), packages: expected },
  { name: "an ELF program of 32 bits", path: "app", content: elfWith(program, { bits: 32 }), packages: expected },
  { name: "a Windows program", path: "app.exe", content: peWith(program), packages: expected },
  { name: "a macOS program", path: "app", content: machWith(program), packages: expected },
  {
    name: "build information that is not aligned, after something like its magic",
    path: "app",
    content: elfWith(Buffer.concat([falseMagic, Buffer.alloc(300_004 - falseMagic.length), program]), { at: 0x20000 }),
    packages: [],
  },
  {
    name: "the same, aligned, late in the segment",
    path: "app",
    content: elfWith(Buffer.concat([falseMagic, Buffer.alloc(300_000 - falseMagic.length), program]), {
      at: 0x20000,
    }),
    packages: expected,
  },
  {
    name: "a program of a development build",
    path: "app",
    content: elfWith(buildInfo("devel go1.23-abc Mon", "")),
    packages: [],
    problems: ["no-version: built with"],
  },
  {
    name: "a release with an experiment",
    path: "app",
    content: elfWith(buildInfo("go1.21.0 X:boringcrypto", "")),
    packages: ["pkg:golang/stdlib@1.21.0 installed"],
  },
  {
    name: "a program of an old Go",
    path: "app",
    content: elfWith(pointers()),
    packages: [],
    problems: ["unsupported: built with Go before 1.18"],
  },
  { name: "a magic outside the data segment", path: "app", content: elfWith(program, { at: 0x1000 }), packages: [] },
  { name: "another program", path: "app", content: elfWith(Buffer.alloc(0)), packages: [] },
  { name: "a name that is never a program", path: "app.json", content: elfWith(program), packages: [] },
  {
    name: "go.mod",
    path: "src/go.mod",
    content: `module example.com/app // x
go 1.22
require github.com/a/b v1.2.3
require (
\tgolang.org/x/net v0.1.0 // indirect
\t"github.com/q/quoted" v0.0.0-20200101000000-abcdefabcdef
\texample.com/local v0.0.0
\texample.com/any v1.0.0
)
replace golang.org/x/net v0.1.0 => golang.org/x/net v0.2.0
replace (
\texample.com/local => ./local
\texample.com/any => example.com/fork v1.1.0
\tgithub.com/a/b v9.9.9 => example.com/not-this v1.0.0
)
exclude github.com/a/b v1.0.0
require nonsense
`,
    packages: [
      "pkg:golang/example.com/fork@v1.1.0 direct line:8",
      "pkg:golang/github.com/a/b@v1.2.3 direct line:3",
      "pkg:golang/github.com/q/quoted@v0.0.0-20200101000000-abcdefabcdef direct line:6",
      "pkg:golang/golang.org/x/net@v0.2.0 indirect line:5",
    ],
    problems: ["malformed: line 17 is no requirement", "no-version: 1 replaced by a folder: example.com/local"],
  },
  {
    name: "go.mod made to be slow",
    path: "go.mod",
    content: `require${" ".repeat(500_000)}\u2028x\n`,
    packages: [],
    problems: ["too-long: line 1"],
  },
  {
    name: "go.mod of a module cache",
    path: "root/go/pkg/mod/a@v1/go.mod",
    content: "require a.b/c v1.0.0\n",
    packages: [],
  },
  {
    name: "go.mod of the Go distribution",
    path: "usr/local/go/src/cmd/go.mod",
    content: "require a.b/c v1.0.0\n",
    packages: [],
  },
];
