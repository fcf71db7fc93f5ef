import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type PositionedSource, sliceOf } from "../positioned.ts";
import { BLOCK, cleanPath, type TarEntry } from "./header.ts";
import { formatPax } from "./pax.ts";
import { createTarParser } from "./read.ts";
import { walkTar } from "./walk.ts";
import { padding, tarEnd, tarHeader, tarOf } from "./write.ts";

type Seen = Pick<TarEntry, "kind" | "path" | "sizeBytes" | "linkName"> & { readonly body: string };

const short = ({ kind, path, sizeBytes, linkName }: TarEntry) => ({ kind, path, sizeBytes, linkName });

/** Entries as the streaming reader sees them when the bytes come in pieces of `size`. */
function stream(archive: Buffer, size: number): Seen[] {
  const seen: Seen[] = [];
  const parser = createTarParser((entry) => {
    const chunks: Buffer[] = [];
    return {
      write: (chunk) => chunks.push(Buffer.from(chunk)),
      end: () => seen.push({ ...short(entry), body: Buffer.concat(chunks).toString("latin1") }),
    };
  });
  for (let at = 0; at < archive.length; at += size) parser.write(archive.subarray(at, at + size));
  parser.end();
  return seen;
}

/** Bytes in memory that count how many are read. */
function memory(archive: Buffer): PositionedSource & { readBytes: number } {
  const source = {
    sizeBytes: archive.length,
    readBytes: 0,
    read(target: Uint8Array, position: number) {
      const part = archive.subarray(position, position + target.length);
      target.set(part);
      source.readBytes += part.length;
      return part.length;
    },
    [Symbol.dispose]() {},
  };
  return source;
}

function walk(archive: Buffer): Seen[] {
  return [...walkTar(memory(archive))].map((entry) => {
    const whole = entry.read(2 ** 30).toString("latin1");
    assert.equal(Buffer.concat(Array.from(entry.chunks(), (chunk) => Buffer.from(chunk))).toString("latin1"), whole);
    return { ...short(entry), body: whole };
  });
}

function check(archive: Buffer, expected: readonly Seen[]): void {
  for (const size of [1, 7, 512, 1000, archive.length]) assert.deepEqual(stream(archive, size), expected);
  assert.deepEqual(walk(archive), expected);
}

const LONG = `${"folder/".repeat(30)}file`;
const ENTRIES: readonly Seen[] = [
  { kind: "directory", path: "etc", sizeBytes: 0, linkName: "", body: "" },
  { kind: "file", path: "etc/hosts", sizeBytes: 9, linkName: "", body: "127.0.0.1" },
  { kind: "file", path: "block", sizeBytes: BLOCK, linkName: "", body: "b".repeat(BLOCK) },
  { kind: "file", path: "empty", sizeBytes: 0, linkName: "", body: "" },
  { kind: "file", path: LONG, sizeBytes: 3, linkName: "", body: "abc" },
  { kind: "symlink", path: "link", sizeBytes: 0, linkName: LONG, body: "" },
  { kind: "hardlink", path: "hard", sizeBytes: 0, linkName: "etc/hosts", body: "" },
  { kind: "file", path: "größe/日本", sizeBytes: 1, linkName: "", body: "x" },
];

test("what is written is read, in whatever pieces it comes", () => {
  const archive = tarOf(ENTRIES.map(({ body, kind, ...entry }) => ({ ...entry, kind: kind as "file", content: body })));
  check(archive, ENTRIES);
});

describe("archives of the system's tar", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "flotilla-tar-"));
    mkdirSync(join(folder, "in", "folder/".repeat(30)), { recursive: true });
    writeFileSync(join(folder, "in", LONG), "abc");
    writeFileSync(join(folder, "in", "big"), "0123456789".repeat(30_000));
    symlinkSync(LONG, join(folder, "in", "link"));
    linkSync(join(folder, "in", "big"), join(folder, "in", "hard"));
  });
  after(() => rmSync(folder, { recursive: true }));
  for (const format of ["ustar", "gnu", "pax", "posix"])
    test(format, () => {
      const file = join(folder, `${format}.tar`);
      // ustar cannot hold the long link.
      const exclude = format === "ustar" ? ["--exclude=./link"] : [];
      execFileSync("tar", [
        ...exclude,
        `--format=${format}`,
        "--sort=name",
        "-cf",
        file,
        "-C",
        join(folder, "in"),
        ".",
      ]);
      const archive = readFileSync(file);
      const entries = stream(archive, 4096);
      assert.deepEqual(walk(archive), entries);
      const byPath = new Map(entries.map((entry) => [entry.path, entry]));
      assert.equal(byPath.get("")?.kind, "directory");
      assert.equal(byPath.get(LONG)?.body, "abc");
      assert.equal(byPath.get("big")?.body.length, 300_000);
      assert.equal(byPath.get("hard")?.linkName, "./big");
      if (format !== "ustar") assert.equal(byPath.get("link")?.linkName, LONG);
    });
  test("what we write is read by it", () => {
    const file = join(folder, "ours.tar");
    writeFileSync(file, tarOf([{ path: LONG, kind: "file", content: "abc", mode: 0o755 }]));
    assert.equal(execFileSync("tar", ["-xOf", file, LONG]).toString(), "abc");
    assert.match(execFileSync("tar", ["-tvf", file]).toString(), /^-rwxr-xr-x 0\/0 +3 1970/);
  });
});

test("bodies that nobody asks for are not read", () => {
  const body = Buffer.alloc(8 * 2 ** 20, "x");
  const archive = tarOf([
    { path: "a", kind: "file", content: body },
    { path: "b", kind: "file", content: "wanted" },
    { path: "c", kind: "file", content: body },
  ]);
  const source = memory(archive);
  for (const entry of walkTar(source)) if (entry.path === "b") assert.equal(entry.read(100).toString(), "wanted");
  assert.ok(source.readBytes < 256 * 1024, `${source.readBytes} bytes were read`);
});

test("a slice keeps inside its bounds", () => {
  const slice = sliceOf(memory(Buffer.from("0123456789")), 2, 5);
  const target = Buffer.alloc(10);
  assert.equal(slice.read(target, 3), 2);
  assert.equal(target.subarray(0, 2).toString(), "56");
  assert.equal(slice.read(target, 9), 0);
});

const PATHS: readonly [name: string, path: string][] = [
  ["./a/b/", "a/b"],
  ["/etc/passwd", "etc/passwd"],
  ["../../etc/passwd", "etc/passwd"],
  ["a//b/./c", "a/b/c"],
  ["a/../../b", "b"],
  ["./", ""],
  [".hidden", ".hidden"],
  ["a/.b", "a/.b"],
];
for (const [name, path] of PATHS) test(`the path of ${name}`, () => assert.equal(cleanPath(name), path));

function changed(change: (header: Buffer) => void): Buffer {
  const header = tarHeader({ path: "a", kind: "file", sizeBytes: 3 });
  change(header);
  return Buffer.concat([resummed(header), Buffer.from("abc"), Buffer.alloc(BLOCK - 3), tarEnd()]);
}

function resummed(header: Buffer): Buffer {
  header.write("        ", 148, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

test("sizes in base 256 are read", () => {
  const archive = changed((header) => {
    header.fill(0, 124, 136);
    header[124] = 0x80;
    header[135] = 3;
  });
  assert.equal(stream(archive, 100)[0]?.body, "abc");
});

/** A header block with pax records or a long name before it. */
function described(...meta: readonly [type: "x" | "L", body: Buffer][]): Buffer {
  const before = meta.flatMap(([type, body]) => {
    const header = tarHeader({ path: "meta", kind: "file", sizeBytes: body.length });
    header.write(type, 156);
    return [resummed(header), body, padding(body.length)];
  });
  return Buffer.concat([...before, tarHeader({ path: "own", kind: "file", sizeBytes: 0 }), tarEnd()]);
}

const pax = (...records: readonly [string, string][]): ["x", Buffer] => [
  "x",
  Buffer.concat(records.map((record) => formatPax(new Map([record])))),
];

/** What Docker would unpack (Go's archive/tar), whatever else an archive says. */
const NAMES: readonly [what: string, archive: Buffer, path: string][] = [
  ["a pax path", described(pax(["path", "pax"])), "pax"],
  ["an empty pax path", described(pax(["path", ""])), "own"],
  ["a pax path that is taken back", described(pax(["path", "pax"], ["path", ""])), "own"],
  ["the last of two pax headers", described(pax(["path", "first"]), pax(["mtime", "1"])), "own"],
  ["a GNU long name before pax", described(["L", Buffer.from("long\0")], pax(["path", "pax"])), "long"],
  ["a ustar prefix", changed((header) => header.write("in/here", 345)), "in/here/a"],
  ["no prefix in GNU's dialect", changed((header) => gnu(header).write("00000000000", 345)), "a"],
  ["a prefix in GNU's dialect that is no time", changed((header) => gnu(header).write("in/here", 345)), "in/here/a"],
  ["no prefix in the oldest dialect", changed((header) => header.fill(0, 257, 265).write("in/here", 345)), "a"],
];
for (const [what, archive, path] of NAMES)
  test(`the name is ${what}`, () => {
    assert.equal(stream(archive, 100)[0]?.path, path);
    assert.equal(walk(archive)[0]?.path, path);
  });

function gnu(header: Buffer): Buffer {
  header.write("ustar  \0", 257, "latin1");
  return header;
}

const good = changed(() => {});
const REFUSED: readonly [what: string, archive: Buffer, code: string][] = [
  ["a wrong checksum", Buffer.concat([Buffer.alloc(100, "z"), good.subarray(100)]), "tar-damaged"],
  ["a body that is cut", good.subarray(0, BLOCK + 2), "tar-damaged"],
  ["a header that is cut", good.subarray(0, 100), "tar-damaged"],
  ["a size that is no number", changed((header) => header.write("zzz", 124)), "tar-damaged"],
  ["a size beyond all measure", changed((header) => header.fill(0x90, 124, 136)), "tar-damaged"],
  ["a sparse file", changed((header) => header.write("S", 156)), "tar-sparse"],
  [
    "an extended header without end",
    changed((header) => header.write("x", 156) + header.write("77777777777", 124)),
    "tar-damaged",
  ],
  ["a pax header that is none", changed((header) => header.write("x", 156)), "tar-damaged"],
  ["an entry after a zero block", Buffer.concat([Buffer.alloc(BLOCK), good]), "tar-damaged"],
];
for (const [what, archive, code] of REFUSED)
  test(`refused: ${what}`, () => {
    for (const size of [64, archive.length]) assert.throws(() => stream(archive, size), { code });
    assert.throws(() => walk(archive), { code });
  });
