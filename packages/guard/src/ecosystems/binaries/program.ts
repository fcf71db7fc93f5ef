import { formatPurl } from "../../purl.ts";
import { type Extraction, type FileReader, NO_MORE, NOTHING, type StreamExtractor } from "../ecosystem.ts";
import { BINARY_RULES, type BinaryRule } from "./rules.ts";

const MIN_PROGRAM_BYTES = 1024;
const MAX_PROGRAM_BYTES = 512 * 1024 * 1024;
/** Longer than any text that a rule looks for. */
const OVERLAP = 600;
const MAX_VERSIONS = 16;
const ELF = "\x7fELF";

/** Programs and libraries by the version in their own text. Files that an OS package owns are left out by whoever merges. */
export const programExtractor: StreamExtractor = {
  kind: "stream",
  id: "binary-version",
  wants: (path) => ruleOf(path) !== undefined,
  open: (path, sizeBytes) => {
    const found = ruleOf(path);
    if (found === undefined || sizeBytes < MIN_PROGRAM_BYTES) return undefined;
    return sizeBytes > MAX_PROGRAM_BYTES ? refused(sizeBytes) : new ProgramReader(found.rule, found.minor);
  },
};

function ruleOf(path: string): { readonly rule: BinaryRule; readonly minor: string } | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  for (const rule of BINARY_RULES) {
    const match = rule.files.exec(name);
    if (match !== null) return { rule, minor: match[1] ?? "" };
  }
  return undefined;
}

class ProgramReader implements FileReader {
  readonly #rule: BinaryRule;
  readonly #pattern: RegExp;
  readonly #versions = new Set<string>();
  #begun = false;
  #tail = "";

  constructor(rule: BinaryRule, minor: string) {
    this.#rule = rule;
    this.#pattern = rule.pattern(minor);
  }

  write(chunk: Buffer, at: number): number {
    const text = this.#tail + chunk.toString("latin1");
    if (!this.#begun) {
      if (text.length < ELF.length) return this.#keep(text, at + chunk.length);
      if (!this.#rule.anyFormat && !text.startsWith(ELF)) return NO_MORE;
      this.#begun = true;
    }
    for (const match of text.matchAll(this.#pattern)) {
      if (match[1] !== undefined) this.#versions.add(match[1]);
      if (this.#versions.size > MAX_VERSIONS) return NO_MORE;
    }
    return this.#keep(text.slice(-OVERLAP), at + chunk.length);
  }

  #keep(text: string, next: number): number {
    this.#tail = text;
    return next;
  }

  /** A file that names two versions tells none. */
  end(): Extraction {
    const { name } = this.#rule;
    const [version, ...others] = [...this.#versions].sort();
    if (version === undefined) return NOTHING;
    if (others.length > 0) {
      const named = [version, ...others].slice(0, 4).join(", ");
      return { ...NOTHING, problems: [`ambiguous-version: ${name} names several versions (${named})`] };
    }
    return {
      packages: [{ purl: formatPurl({ type: "generic", name, version }), name, version, evidence: "installed" }],
      problems: [],
    };
  }
}

function refused(sizeBytes: number): FileReader {
  const reason = `too-large: ${sizeBytes} bytes, the bound is ${MAX_PROGRAM_BYTES}`;
  return { write: () => NO_MORE, end: () => ({ ...NOTHING, problems: [reason] }) };
}
