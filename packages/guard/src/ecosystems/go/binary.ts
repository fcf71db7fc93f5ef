import {
  type Extraction,
  type FileReader,
  type FoundPackage,
  NO_MORE,
  NOTHING,
  type StreamExtractor,
} from "../ecosystem.ts";
import { mayBeProgram } from "../program-name.ts";
import { ALIGNMENT, type BuildInfo, MAGIC, parseBuildInfo } from "./build-info.ts";
import { dataRanges, type FileRange, HEAD_BYTES } from "./executable.ts";
import { goPurl, isModulePath, stdlibPackage } from "./purl.ts";

/** The smallest Go program is over a megabyte. */
const MIN_BINARY_BYTES = 256 * 1024;
const MAX_MODULES = 20_000;

/** Modules that the Go linker wrote into a program (ELF, PE, Mach-O). Reads the head and the data segment, never the whole file. */
export const binaryExtractor: StreamExtractor = {
  kind: "stream",
  id: "go-binary",
  wants: mayBeProgram,
  open: (_path, sizeBytes) => (sizeBytes < MIN_BINARY_BYTES ? undefined : new BinaryReader()),
};

/** First gathers the head, then looks for the magic in the data segments, then gathers the build information. */
class BinaryReader implements FileReader {
  #head: Buffer | undefined = Buffer.alloc(0);
  #ranges: readonly FileRange[] = [];
  /** The end of the last piece, in case the magic is split; or, once found, the build information so far. */
  #carry: Buffer = Buffer.alloc(0);
  #carryAt = 0;
  #needed = 0;
  #info: BuildInfo = { kind: "none" };

  write(chunk: Buffer, at: number): number {
    if (this.#head !== undefined) return this.#takeHead(chunk, at);
    return this.#search(chunk, at);
  }

  end(): Extraction {
    switch (this.#info.kind) {
      case "info":
        return modulesOf(this.#info.goVersion, this.#info.modules);
      case "pointers":
        return { ...NOTHING, problems: ["unsupported: built with Go before 1.18, its list of modules is not read"] };
      case "more":
        return { ...NOTHING, problems: ["truncated: Go build information is cut short"] };
      case "none":
        return NOTHING;
    }
  }

  #takeHead(chunk: Buffer, at: number): number {
    const head = Buffer.concat([this.#head ?? Buffer.alloc(0), chunk.subarray(0, HEAD_BYTES - at)]);
    if (head.length < HEAD_BYTES) {
      // The first bytes already tell most files from programs.
      if (head.length >= 64 && dataRanges(head) === undefined) return NO_MORE;
      this.#head = head;
      return at + chunk.length;
    }
    this.#head = undefined;
    this.#ranges = dataRanges(head) ?? [];
    if (this.#ranges.length === 0) return NO_MORE;
    const next = this.#search(head, 0);
    const rest = chunk.subarray(HEAD_BYTES - at);
    const end = at + chunk.length;
    if (next >= end || rest.length === 0) return next;
    const from = Math.max(next, HEAD_BYTES);
    return this.#search(chunk.subarray(from - at), from);
  }

  #search(chunk: Buffer, at: number): number {
    const joined = this.#carry.length > 0 && this.#carryAt + this.#carry.length === at;
    const bytes = joined ? Buffer.concat([this.#carry, chunk]) : chunk;
    const base = joined ? this.#carryAt : at;
    if (joined && bytes.length < this.#needed) return this.#keep(bytes, base);
    for (let from = 0; ; ) {
      const found = bytes.indexOf(MAGIC, from);
      if (found < 0) break;
      from = found + 1;
      if ((base + found) % ALIGNMENT !== 0 || !this.#isInRange(base + found)) continue;
      const info = parseBuildInfo(bytes.subarray(found));
      if (info.kind === "none") continue;
      this.#info = info;
      if (info.kind !== "more") return NO_MORE;
      this.#needed = info.bytes;
      return this.#keep(bytes.subarray(found), base + found);
    }
    this.#info = { kind: "none" };
    this.#needed = 0;
    const kept = bytes.subarray(Math.max(0, bytes.length - MAGIC.length + 1));
    return this.#nextWanted(this.#keep(kept, base + bytes.length - kept.length));
  }

  #keep(bytes: Buffer, at: number): number {
    this.#carry = Buffer.from(bytes);
    this.#carryAt = at;
    return at + bytes.length;
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

/** The lines `go version -m` prints: `mod` is the main module, `dep` another, `=>` replaces the one before it. */
function modulesOf(goVersion: string, modules: string): Extraction {
  const found: (FoundPackage | undefined)[] = [stdlibPackage(goVersion, "installed")];
  const problems: string[] =
    found[0] === undefined ? [`no-version: built with ${JSON.stringify(goVersion.slice(0, 60))}, not a release`] : [];
  let malformed = 0;
  for (const line of modules.split("\n")) {
    const [kind, path = "", version = ""] = line.split("\t");
    if (kind !== "mod" && kind !== "dep" && kind !== "=>") continue;
    if (found.length > MAX_MODULES) {
      problems.push(`too-many-packages: more than ${MAX_MODULES}`);
      break;
    }
    if (kind === "=>") found.pop();
    if (isModulePath(path) && version !== "") found.push(moduleOf(path, version));
    else if (kind !== "=>") malformed++;
  }
  if (malformed > 0) problems.push(`malformed: ${malformed} modules with a path or version that Go would not take`);
  return { packages: found.filter((item) => item !== undefined), problems };
}

function moduleOf(name: string, version: string): FoundPackage {
  return { purl: goPurl(name, version), name, version, evidence: "installed" };
}
