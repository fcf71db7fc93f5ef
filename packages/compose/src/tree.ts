import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node as YamlNode } from "yaml";
import type { Place, Problems } from "./problem.ts";

/** A YAML document as plain data in which every value knows where it stands. Aliases and merges are resolved. */
export type Node = ScalarNode | MapNode | ListNode;

/** What a tag says of the value of the files below (compose-spec, 13-merge.md): `!reset` takes it away, `!override` puts this in its place. */
export type Replaces = "reset" | "override";

export interface ScalarNode {
  readonly kind: "scalar";
  readonly replaces?: Replaces;
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** As it was written, for numbers whose notation matters (`0440`). */
  readonly source: string;
  /** Text after interpolation, as a template: literal dollars are `$$`, and only names that the device fills stand in it. */
  readonly template?: string;
  /** Whether names that the device fills stand in `template`; `value` is then no final text. */
  readonly perDevice?: boolean;
  /** The value cannot be read, which was reported: there is nothing more to say of this value. */
  readonly broken?: boolean;
}

export interface MapNode {
  readonly kind: "map";
  readonly replaces?: Replaces;
  readonly place: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  readonly keyPlace: Place;
  readonly node: Node;
}

export interface ListNode {
  readonly kind: "list";
  readonly replaces?: Replaces;
  readonly place: Place;
  readonly items: readonly Node[];
}

/** Bounds of one file; nodes are counted after aliases are resolved, which bounds alias bombs. */
export const MAX_COMPOSE_BYTES = 1024 * 1024;
export const MAX_NODES = 50_000;
const MAX_DEPTH = 60;
const MAX_ALIASES = 1000;

/** The tree of one compose file, or undefined when it is no YAML mapping; what is wrong is added to `problems`. */
export function parseTree(
  file: { readonly path: string; readonly text: string },
  problems: Problems,
): MapNode | undefined {
  const start: Place = { file: file.path, line: 1, column: 1, field: "" };
  if (file.text.length > MAX_COMPOSE_BYTES) {
    problems.add(start, "too-large", `the file has ${file.text.length} characters, the bound is ${MAX_COMPOSE_BYTES}`);
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseYaml(file.text, lines);
  if (document === undefined) {
    problems.add(start, "too-large", `the document is nested too deeply, the bound is ${MAX_DEPTH}`);
    return undefined;
  }
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    const place = { ...start, line, column: col };
    if (/call stack/.test(error.message)) problems.add(place, "too-large", "the document is nested too deeply");
    else problems.add(place, "yaml", error.message.split("\n")[0] ?? error.code);
  }
  if (document.errors.length > 0) return undefined;
  const reader = new TreeReader(file.path, lines, problems, (alias) => alias.resolve(document));
  const root = reader.read(document.contents, "", 0);
  if (root === undefined || reader.overflowed) return undefined;
  if (root.kind === "map") return root;
  problems.add(root.place, "bad-value", "a compose file is a mapping with services:");
  return undefined;
}

/** Undefined when the nesting exhausts the parser's stack. */
function parseYaml(text: string, lineCounter: LineCounter) {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: false, version: "1.2", schema: "core" });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

type Alias = Extract<YamlNode, { source: string; resolve: unknown }>;

class TreeReader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #problems: Problems;
  readonly #resolve: (alias: Alias) => YamlNode | undefined;
  readonly #aliases = new Map<Alias, YamlNode>();
  #count = 0;
  overflowed = false;

  constructor(file: string, lines: LineCounter, problems: Problems, resolve: (alias: Alias) => YamlNode | undefined) {
    this.#file = file;
    this.#lines = lines;
    this.#problems = problems;
    this.#resolve = resolve;
  }

  read(node: unknown, field: string, depth: number): Node | undefined {
    const place = this.#placeOf(node, field);
    if (!this.#fits(place, depth)) return undefined;
    if (isAlias(node)) return this.#alias(node, place, depth);
    if (isMap(node)) return this.#tagged(node.tag, place, this.#map(node.items, place, depth));
    if (isSeq(node)) return this.#tagged(node.tag, place, this.#list(node.items, place, depth));
    if (isScalar(node)) return this.#tagged(node.tag, place, this.#scalar(node.value, node.source ?? "", place));
    return { kind: "scalar", place, value: null, source: "" };
  }

  #tagged(tag: string | undefined, place: Place, node: Node): Node {
    if (tag === undefined || !tag.startsWith("!")) return node;
    if (tag === "!reset" || tag === "!override") return { ...node, replaces: tag === "!reset" ? "reset" : "override" };
    this.#problems.add(place, "unsupported-field", `the tag ${tag} is not supported: !reset and !override are`);
    return { kind: "scalar", place, value: null, source: "", broken: true };
  }

  #fits(place: Place, depth: number): boolean {
    this.#count++;
    if (this.overflowed) return false;
    if (this.#count <= MAX_NODES && depth <= MAX_DEPTH) return true;
    this.overflowed = true;
    const what = depth > MAX_DEPTH ? `is nested more than ${MAX_DEPTH} deep` : `has more than ${MAX_NODES} values`;
    this.#problems.add(place, "too-large", `the document ${what}, with its aliases resolved`);
    return false;
  }

  #alias(alias: Alias, place: Place, depth: number): Node | undefined {
    const known = this.#aliases.get(alias);
    if (known === undefined && this.#aliases.size >= MAX_ALIASES) {
      this.overflowed = true;
      this.#problems.add(place, "too-large", `the document has more than ${MAX_ALIASES} aliases`);
      return undefined;
    }
    const target = known ?? this.#resolve(alias);
    if (target !== undefined) this.#aliases.set(alias, target);
    if (target !== undefined) return this.read(target, place.field, depth + 1);
    this.#problems.add(place, "yaml", `the alias *${alias.source} has no anchor before it`);
    return undefined;
  }

  #scalar(value: unknown, source: string, place: Place): Node {
    if (value === null || value === undefined) return { kind: "scalar", place, value: null, source };
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      return { kind: "scalar", place, value, source };
    this.#problems.add(place, "bad-value", "expected text, a number or a truth value");
    return { kind: "scalar", place, value: null, source, broken: true };
  }

  #list(items: readonly unknown[], place: Place, depth: number): Node {
    const nodes = items.map((item, index) => this.read(item, `${place.field}[${index}]`, depth + 1));
    return { kind: "list", place, items: nodes.filter((node) => node !== undefined) };
  }

  #map(pairs: readonly { readonly key: unknown; readonly value: unknown }[], place: Place, depth: number): MapNode {
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const pair of pairs) {
      const key = keyText(pair.key);
      const keyPlace = this.#placeOf(pair.key, place.field);
      if (key === undefined) {
        this.#problems.add(keyPlace, "yaml", "a key must be plain text");
      } else if (key === "<<") {
        for (const [name, entry] of this.#merge(pair.value, place, depth))
          if (!merged.has(name)) merged.set(name, entry);
      } else {
        const field = place.field === "" ? key : `${place.field}.${key}`;
        const at = { ...keyPlace, field };
        const node = pair.value === null ? nothing(at) : this.read(pair.value, field, depth + 1);
        if (own.has(key)) this.#problems.add(at, "yaml", `the key ${key} stands twice`);
        if (node !== undefined) own.set(key, { keyPlace: at, node });
      }
    }
    for (const [name, entry] of merged) if (!own.has(name)) own.set(name, entry);
    return { kind: "map", place, entries: own };
  }

  /** YAML merge key: a mapping, or a list of mappings of which the first wins. */
  #merge(value: unknown, place: Place, depth: number): ReadonlyMap<string, Entry> {
    const node = this.read(value, place.field, depth + 1);
    if (node?.kind === "map") return node.entries;
    const result = new Map<string, Entry>();
    if (node?.kind === "list" && node.items.every((item) => item.kind === "map")) {
      for (const item of node.items)
        if (item.kind === "map")
          for (const [name, entry] of item.entries) if (!result.has(name)) result.set(name, entry);
      return result;
    }
    if (node !== undefined) this.#problems.add(node.place, "yaml", "<< needs a mapping or a list of mappings");
    return result;
  }

  #placeOf(node: unknown, field: string): Place {
    const offset = (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0;
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col), field };
  }
}

function nothing(place: Place): ScalarNode {
  return { kind: "scalar", place, value: null, source: "" };
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  if (typeof key.value === "string") return key.value;
  return typeof key.value === "number" || typeof key.value === "boolean"
    ? (key.source ?? String(key.value))
    : undefined;
}
