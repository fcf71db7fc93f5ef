/** A value of a lock file: scalars stay text, so that `1.10` is the version it is. Maps have no prototype. */
export type YamlValue = string | YamlMap | readonly YamlValue[];
export interface YamlMap {
  readonly [key: string]: YamlValue;
}

export interface YamlResult {
  readonly documents: readonly YamlMap[];
  readonly problems: readonly string[];
}

const MAX_DEPTH = 64;
const MAX_LINES = 2_000_000;

interface Line {
  readonly indent: number;
  readonly text: string;
}

interface Reader {
  readonly lines: readonly string[];
  at: number;
  /** What the current line begins with after a `- ` was taken off it. */
  rest: Line | undefined;
  malformed: number;
  tooDeep: boolean;
}

/**
 * The part of YAML that tools write lock files in: block maps and lists, flow collections on one line, quoted and plain scalars, block
 * scalars, long keys behind `?`, several documents. Anchors and tags stay text, so nothing can be blown up by them. Linear in its input.
 */
export function parseBlockYaml(bytes: Buffer): YamlResult {
  const lines = bytes
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .split("\n", MAX_LINES + 1);
  const reader: Reader = { lines, at: 0, rest: undefined, malformed: 0, tooDeep: false };
  const documents: YamlMap[] = [];
  while (peek(reader) !== undefined || isDocumentStart(reader.lines[reader.at])) {
    const line = peek(reader);
    if (line === undefined) reader.at++;
    else {
      const value = readBlock(reader, line.indent, 0);
      if (isYamlMap(value)) documents.push(value);
      else reader.malformed++;
    }
  }
  return { documents, problems: problemsOf(reader) };
}

export function isYamlMap(value: YamlValue | undefined): value is YamlMap {
  return typeof value === "object" && !Array.isArray(value);
}

/** The map under `key`, empty when there is none. */
export function mapAt(map: YamlMap, key: string): YamlMap {
  const value = map[key];
  return isYamlMap(value) ? value : {};
}

/** The text under `key`, when it is one. */
export function textAt(map: YamlMap, key: string): string | undefined {
  const value = map[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function problemsOf(reader: Reader): string[] {
  return [
    ...(reader.tooDeep ? [`too-deep: nested more than ${MAX_DEPTH} levels`] : []),
    ...(reader.malformed > 0 ? [`malformed: ${reader.malformed} lines are not what a lock file has`] : []),
    ...(reader.lines.length > MAX_LINES ? [`too-long: more than ${MAX_LINES} lines`] : []),
  ];
}

/** The next line with something on it; none at the end of a document. */
function peek(reader: Reader): Line | undefined {
  if (reader.rest !== undefined) return reader.rest;
  for (; reader.at < Math.min(reader.lines.length, MAX_LINES); reader.at++) {
    const raw = reader.lines[reader.at] ?? "";
    const text = raw.trim();
    if (text === "" || text.startsWith("#")) continue;
    return isDocumentStart(raw) ? undefined : { indent: raw.length - raw.trimStart().length, text };
  }
  return undefined;
}

function isDocumentStart(raw: string | undefined): boolean {
  return raw !== undefined && /^(?:---|\.\.\.)\s*$/.test(raw);
}

function take(reader: Reader): void {
  reader.rest = undefined;
  reader.at++;
}

function readBlock(reader: Reader, indent: number, depth: number): YamlValue {
  if (depth > MAX_DEPTH) {
    reader.tooDeep = true;
    skipDeeper(reader, indent - 1);
    return "";
  }
  const first = peek(reader);
  return first !== undefined && isItem(first.text) ? readList(reader, indent, depth) : readMap(reader, indent, depth);
}

function isItem(text: string): boolean {
  return text === "-" || text.startsWith("- ");
}

function readList(reader: Reader, indent: number, depth: number): YamlValue {
  const items: YamlValue[] = [];
  for (
    let line = peek(reader);
    line !== undefined && line.indent === indent && isItem(line.text);
    line = peek(reader)
  ) {
    const rest = line.text.slice(1).trimStart();
    const restIndent = indent + line.text.length - rest.length;
    if (rest === "") {
      take(reader);
      items.push(readNested(reader, indent, depth));
    } else if (isItem(rest) || splitKey(rest) !== undefined) {
      reader.rest = { indent: restIndent, text: rest };
      items.push(readBlock(reader, restIndent, depth + 1));
    } else {
      take(reader);
      items.push(readInline(reader, rest, indent));
    }
  }
  return items;
}

function readMap(reader: Reader, indent: number, depth: number): YamlMap {
  const map: Record<string, YamlValue> = Object.create(null);
  for (let line = peek(reader); line !== undefined && line.indent >= indent; line = peek(reader)) {
    if (line.indent > indent || isItem(line.text)) {
      // A list at the indentation of a map stands under a key, and was read there.
      reader.malformed++;
      take(reader);
      continue;
    }
    const entry = line.text.startsWith("? ") ? readLongKey(reader, line) : splitKey(line.text);
    take(reader);
    if (entry === undefined) reader.malformed++;
    else
      map[entry.key] = entry.rest === "" ? readNested(reader, indent, depth) : readInline(reader, entry.rest, indent);
  }
  return map;
}

/** `? key` and on the next line `: value` or `:` (keys over 1024 characters). */
function readLongKey(reader: Reader, line: Line): { key: string; rest: string } | undefined {
  const next = (reader.lines[reader.at + 1] ?? "").trim();
  if (next !== ":" && !next.startsWith(": ")) return undefined;
  take(reader);
  return { key: scalar(line.text.slice(2).trim()), rest: next.slice(1).trim() };
}

/** What stands below a key: a deeper block, or a list that is not indented. */
function readNested(reader: Reader, indent: number, depth: number): YamlValue {
  const next = peek(reader);
  if (next === undefined) return "";
  if (next.indent > indent || (next.indent === indent && isItem(next.text)))
    return readBlock(reader, next.indent, depth + 1);
  return "";
}

/** A value on the line of its key, and the lines it goes on for. */
function readInline(reader: Reader, text: string, indent: number): YamlValue {
  const folded = skipDeeper(reader, indent);
  if (/^[|>][+-]?\d?$/.test(text)) return folded.join("\n");
  if (text.startsWith("{") || text.startsWith("[")) return readFlow(reader, text);
  return scalar(text);
}

function skipDeeper(reader: Reader, indent: number): string[] {
  const texts: string[] = [];
  for (let line = peek(reader); line !== undefined && line.indent > indent; line = peek(reader)) {
    texts.push(line.text);
    take(reader);
  }
  return texts;
}

/** Key and the rest of `key: rest`; a quoted key may hold colons. */
function splitKey(text: string): { key: string; rest: string } | undefined {
  const quote = text[0];
  if (quote === '"' || quote === "'") {
    const end = endOfQuoted(text, 0);
    const after = text.slice(end).trimStart();
    return end < 0 || !/^:(?:\s|$)/.test(after)
      ? undefined
      : { key: scalar(text.slice(0, end)), rest: after.slice(1).trim() };
  }
  const colon = text.endsWith(":") && !text.includes(": ") ? text.length - 1 : text.indexOf(": ");
  return colon <= 0 ? undefined : { key: text.slice(0, colon).trimEnd(), rest: withoutComment(text.slice(colon + 1)) };
}

function withoutComment(text: string): string {
  const bare = text.trim();
  if (bare.startsWith("#")) return "";
  if (bare.startsWith('"') || bare.startsWith("'")) return bare;
  const hash = bare.indexOf(" #");
  return hash < 0 ? bare : bare.slice(0, hash).trimEnd();
}

/** Offset after the quoted text that begins at `from`, or -1. */
function endOfQuoted(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    if (quote === '"' && text[at] === "\\") at++;
    else if (text[at] === quote) {
      if (quote === "'" && text[at + 1] === "'") at++;
      else return at + 1;
    }
  }
  return -1;
}

function scalar(text: string): string {
  if (text.startsWith("'")) return text.slice(1, endOf(text)).replaceAll("''", "'");
  if (!text.startsWith('"')) return withoutComment(text);
  return text.slice(1, endOf(text)).replace(/\\(["\\/])/g, "$1");
}

function endOf(text: string): number {
  const end = endOfQuoted(text, 0);
  return end < 0 ? text.length : end - 1;
}

/** `{a: 1, b: [c, "d"]}` on one line. */
function readFlow(reader: Reader, text: string): YamlValue {
  const state = { text, at: 0, depth: 0 };
  const value = flowValue(state);
  if (value === undefined) reader.malformed++;
  return value ?? "";
}

interface Flow {
  readonly text: string;
  at: number;
  depth: number;
}

function flowValue(flow: Flow): YamlValue | undefined {
  skipSpace(flow);
  const open = flow.text[flow.at];
  if (open !== "{" && open !== "[") return flowScalar(flow);
  if (++flow.depth > MAX_DEPTH) return undefined;
  flow.at++;
  const map: Record<string, YamlValue> = Object.create(null);
  const list: YamlValue[] = [];
  for (;;) {
    skipSpace(flow);
    const char = flow.text[flow.at];
    if (char === undefined) return undefined;
    if (char === "}" || char === "]") break;
    if (char === ",") {
      flow.at++;
      continue;
    }
    const item = flowValue(flow);
    if (item === undefined) return undefined;
    skipSpace(flow);
    if (open === "[" || flow.text[flow.at] !== ":") {
      list.push(item);
      continue;
    }
    flow.at++;
    const value = flowValue(flow);
    if (value === undefined || typeof item !== "string") return undefined;
    map[item] = value;
  }
  flow.at++;
  flow.depth--;
  return open === "{" ? map : list;
}

function flowScalar(flow: Flow): string | undefined {
  const from = flow.at;
  const quote = flow.text[from];
  if (quote === '"' || quote === "'") {
    const end = endOfQuoted(flow.text, from);
    if (end < 0) return undefined;
    flow.at = end;
    return scalar(flow.text.slice(from, end));
  }
  for (; flow.at < flow.text.length; flow.at++) {
    const char = flow.text[flow.at] ?? "";
    if (",{}[]".includes(char)) break;
    if (char === ":" && /[\s,}\]]|^$/.test(flow.text[flow.at + 1] ?? "")) break;
  }
  return flow.at === from && ",:".includes(flow.text[from] ?? "") ? undefined : flow.text.slice(from, flow.at).trim();
}

function skipSpace(flow: Flow): void {
  while (flow.text[flow.at] === " " || flow.text[flow.at] === "\t") flow.at++;
}
