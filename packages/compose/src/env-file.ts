import { interpolateText, type Resolve } from "./interpolate.ts";
import type { Place, Problems } from "./problem.ts";
import { escapeDollars, plainText } from "./template.ts";

/** Bounds of one file. */
const MAX_LINES = 10_000;

/**
 * Reads a file of `NAME=value` lines as compose does: `export`, comments, values in single quotes (as they stand), in double quotes
 * (escapes and interpolation, several lines) or bare (interpolation, up to ` #`). Interpolation sees what `resolve` knows, then the lines
 * above. A name without `=` is taken from `resolve` when it has a value there. With `raw` every value is what stands after `=`.
 * Values are templates: see {@link plainEnvFile} for plain ones.
 */
export function parseEnvFile(
  file: { readonly path: string; readonly text: string; readonly raw?: boolean },
  resolve: Resolve,
  problems: Problems,
): Readonly<Record<string, string>> {
  const reader = new EnvFileReader(file.path, file.text, resolve, problems);
  return reader.read(file.raw === true);
}

/** As {@link parseEnvFile} for a file that sets the environment of a release: no name is left to the device. */
export function plainEnvFile(
  file: { readonly path: string; readonly text: string },
  env: Readonly<Record<string, string>>,
  problems: Problems,
): Readonly<Record<string, string>> {
  const resolve: Resolve = (name) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    return value === undefined ? { kind: "unset" } : { kind: "value", value };
  };
  const entries = Object.entries(parseEnvFile(file, resolve, problems));
  return Object.fromEntries(entries.map(([name, template]) => [name, plainText(template) ?? template]));
}

class EnvFileReader {
  readonly #path: string;
  readonly #lines: readonly string[];
  readonly #resolve: Resolve;
  readonly #problems: Problems;
  readonly #values = new Map<string, string>();
  #at = 0;

  constructor(path: string, text: string, resolve: Resolve, problems: Problems) {
    this.#path = path;
    this.#lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
    this.#resolve = resolve;
    this.#problems = problems;
  }

  read(raw: boolean): Readonly<Record<string, string>> {
    if (this.#lines.length > MAX_LINES)
      this.#problems.add(this.#place(), "too-large", `the file has more than ${MAX_LINES} lines`);
    for (; this.#at < Math.min(this.#lines.length, MAX_LINES); this.#at++) this.#line(this.#lines[this.#at] ?? "", raw);
    return Object.fromEntries(this.#values);
  }

  #line(line: string, raw: boolean): void {
    if (/^\s*(?:#|$)/.test(line)) return;
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:([=:])(.*))?$/.exec(line);
    const name = match?.[1];
    if (name === undefined) {
      this.#problems.add(this.#place(), "bad-value", "expected NAME=value");
      return;
    }
    if (match?.[2] === undefined) this.#inherit(name);
    else this.#set(name, raw ? escapeDollars(match[3] ?? "") : this.#value((match[3] ?? "").trimStart()));
  }

  #inherit(name: string): void {
    const found = this.#resolve(name);
    if (found.kind === "value") this.#set(name, escapeDollars(found.value));
    else if (found.kind === "device") this.#set(name, `\${${name}}`);
  }

  #set(name: string, value: string | undefined): void {
    if (value !== undefined) this.#values.set(name, value);
  }

  #value(text: string): string | undefined {
    const place = this.#place();
    const quote = text[0];
    if (quote !== '"' && quote !== "'") return this.#fill(bare(text), place);
    const body = this.#quoted(text.slice(1), quote);
    if (body === undefined) {
      this.#problems.add(place, "bad-value", `the quote ${quote} is not closed`);
      return undefined;
    }
    return quote === "'" ? escapeDollars(body) : this.#fill(unescapeText(body), place);
  }

  /** The text up to the closing quote, over several lines. */
  #quoted(first: string, quote: string): string | undefined {
    let rest = first;
    let body = "";
    for (;;) {
      const end = closing(rest, quote);
      if (end >= 0) return body + rest.slice(0, end);
      if (this.#at + 1 >= this.#lines.length) return undefined;
      body += `${rest}\n`;
      rest = this.#lines[++this.#at] ?? "";
    }
  }

  #fill(text: string, place: Place): string | undefined {
    const resolve: Resolve = (name) => {
      const found = this.#resolve(name);
      const above = found.kind === "unset" ? this.#values.get(name) : undefined;
      const value = above === undefined ? undefined : plainText(above);
      return value === undefined ? found : { kind: "value", value };
    };
    return interpolateText(text, place, resolve, this.#problems);
  }

  #place(): Place {
    return { file: this.#path, line: this.#at + 1, column: 1, field: "" };
  }
}

function bare(text: string): string {
  return text.replace(/(?:^|\s+)#.*$/, "").trimEnd();
}

function closing(text: string, quote: string): number {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\" && quote === '"') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$$" };

function unescapeText(text: string): string {
  return text.replaceAll(/\\([nrt"\\$])/g, (_, char: string) => ESCAPES[char] ?? char);
}
