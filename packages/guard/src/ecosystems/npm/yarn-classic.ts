import type { Extraction } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { isPackageName, npmPurl } from "./purl.ts";

const MAX_LINES = 2_000_000;

/** An entry: the descriptors it answers, and what was found for them. */
interface Entry {
  readonly descriptors: readonly string[];
  readonly line: number;
  version: string | undefined;
  resolved: string | undefined;
  /** Descriptors, `name@range`. */
  readonly needs: string[];
}

/** Yarn 1's own format: descriptors at the margin, fields below them, dependencies below those. It does not say what is for development. */
export function readYarnClassic(text: string): Extraction {
  const gathering = createGathering();
  const entries = entriesOf(text, gathering);
  const purls = new Map<string, string>();
  for (const entry of entries) {
    const purl = addEntry(entry, gathering);
    if (purl !== undefined) for (const descriptor of entry.descriptors) purls.set(descriptor, purl);
  }
  for (const { descriptors, needs } of entries) {
    const by = purls.get(descriptors[0] ?? "");
    for (const need of needs) {
      const needed = purls.get(need);
      if (by !== undefined && needed !== undefined) gathering.requires(by, needed);
    }
  }
  return gathering.extraction();
}

function entriesOf(text: string, gathering: Gathering): Entry[] {
  const entries: Entry[] = [];
  let entry: Entry | undefined;
  text.split("\n", MAX_LINES).forEach((raw, index) => {
    const line = raw.trimEnd();
    if (line === "" || line.startsWith("#")) return;
    if (!line.startsWith(" ")) {
      entry = line.endsWith(":") ? { ...emptyEntry(line), line: index + 1 } : undefined;
      if (entry === undefined) gathering.malformed(`line ${index + 1}`);
      else entries.push(entry);
    } else if (entry !== undefined) readField(entry, line);
  });
  return entries;
}

function emptyEntry(line: string): Omit<Entry, "line"> {
  const descriptors = line.slice(0, -1).split(",").map(unquote);
  return { descriptors, version: undefined, resolved: undefined, needs: [] };
}

/** `  version "1.2.3"`, `  resolved "url"`; below `dependencies:` stand `    name "range"`. */
function readField(entry: Entry, line: string): void {
  const text = line.trim();
  const space = text.startsWith('"') ? text.indexOf('" ') + 1 : text.indexOf(" ");
  if (space <= 0) return;
  const key = unquote(text.slice(0, space));
  const value = unquote(text.slice(space + 1));
  if (line.startsWith("    ")) entry.needs.push(`${key}@${value}`);
  else if (key === "version") entry.version = value;
  else if (key === "resolved") entry.resolved = value;
}

function addEntry(entry: Entry, gathering: Gathering): string | undefined {
  const { name, range } = splitDescriptor(entry.descriptors[0] ?? "");
  const alias = range.startsWith("npm:") ? splitDescriptor(range.slice(4)).name : "";
  const real = alias === "" ? name : alias;
  if (!isPackageName(real)) {
    gathering.malformed(real);
    return undefined;
  }
  if (entry.version === undefined || !/^\d/.test(entry.version) || isNotOfRegistry(range, entry.resolved)) {
    gathering.unversioned(real);
    return undefined;
  }
  const purl = npmPurl(real, entry.version);
  gathering.add({ purl, name: real, version: entry.version, line: entry.line });
  return purl;
}

/** Git, folders and archives by URL; a resolved archive that carries its range's own URL was asked for by it. */
function isNotOfRegistry(range: string, resolved: string | undefined): boolean {
  if (resolved !== undefined && /^(?:git|file:|link:)|\.git#/.test(resolved)) return true;
  return /^(?:file:|link:|git|https?:|\.|\/)/.test(range);
}

/** `name@range`, `@scope/name@range`. */
export function splitDescriptor(descriptor: string): { readonly name: string; readonly range: string } {
  const at = descriptor.indexOf("@", 1);
  return at < 0 ? { name: descriptor, range: "" } : { name: descriptor.slice(0, at), range: descriptor.slice(at + 1) };
}

function unquote(text: string): string {
  const bare = text.trim();
  return bare.startsWith('"') && bare.endsWith('"') && bare.length > 1 ? bare.slice(1, -1) : bare;
}
