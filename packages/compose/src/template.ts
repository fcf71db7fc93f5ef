/**
 * Compose interpolation (compose-spec, 12-interpolation.md): `$NAME`, `${NAME}`, `${NAME:-x}`, `${NAME-x}`, `${NAME:?e}`, `${NAME?e}`,
 * `${NAME:+x}`, `${NAME+x}`, nested, `$$` for a dollar.
 */

/** Bounds: nesting of one expression, and length of what it becomes. */
const MAX_DEPTH = 20;
export const MAX_RESULT_LENGTH = 512 * 1024;

export type Operator = ":-" | "-" | ":?" | "?" | ":+" | "+";

export type Part =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "variable";
      readonly name: string;
      readonly operator?: Operator;
      readonly argument: readonly Part[];
    };

/** What a name stands for: a value, nothing, or something that only the device knows. */
export type Resolution =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "unset" }
  | { readonly kind: "device" };

export type Failure =
  | { readonly kind: "syntax"; readonly message: string }
  | { readonly kind: "unset"; readonly name: string }
  | { readonly kind: "required"; readonly name: string; readonly message: string }
  | { readonly kind: "too-long" };

export type TemplateResult<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "failed"; readonly failure: Failure };

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATORS: readonly Operator[] = [":-", ":?", ":+", "-", "?", "+"];

/** Parses `text`; a dollar that begins no expression is a failure. */
export function parseTemplate(text: string): TemplateResult<readonly Part[]> {
  const parser = new TemplateParser(text);
  try {
    return { kind: "ok", value: parser.parts(0) };
  } catch (error) {
    if (error instanceof TemplateError) return { kind: "failed", failure: error.failure };
    throw error;
  }
}

/**
 * Fills what `resolve` knows. The result is a template again: literal dollars are `$$`, and names that only the device knows stay as they
 * were written, with their arguments filled.
 */
export function fillTemplate(parts: readonly Part[], resolve: (name: string) => Resolution): TemplateResult<string> {
  return evaluate(parts, resolve, escapeDollars, "template");
}

/** Fills everything: the result is plain text. A name that is unset and has no fallback is a failure. */
export function renderTemplate(
  parts: readonly Part[],
  lookup: (name: string) => string | undefined,
): TemplateResult<string> {
  const resolve = (name: string): Resolution => {
    const value = lookup(name);
    return value === undefined ? { kind: "unset" } : { kind: "value", value };
  };
  return evaluate(parts, resolve, (text) => text, "text");
}

/** `$` as a template writes it. */
export function escapeDollars(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** Every variable that stands in the template, with nested ones. */
export function variablesIn(parts: readonly Part[]): readonly Extract<Part, { kind: "variable" }>[] {
  return parts.flatMap((part) => (part.kind === "variable" ? [part, ...variablesIn(part.argument)] : []));
}

/** Splits a template at a separator that stands outside of `${…}`. */
export function splitTemplate(text: string, separator: string): readonly string[] {
  const pieces: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith("${", at)) depth++;
    else if (text[at] === "}" && depth > 0) depth--;
    else if (text[at] === separator && depth === 0) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
    if (text.startsWith("$$", at) || text.startsWith("${", at)) at++;
  }
  return [...pieces, text.slice(start)];
}

/** The plain text of a template in which no variable stands, or undefined. */
export function plainText(template: string): string | undefined {
  const parsed = parseTemplate(template);
  if (parsed.kind === "failed" || variablesIn(parsed.value).length > 0) return undefined;
  return parsed.value.map((part) => (part.kind === "text" ? part.text : "")).join("");
}

class TemplateError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.kind);
    this.failure = failure;
  }
}

class TemplateParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to the end, or inside braces to the closing one (which is consumed). */
  parts(depth: number): readonly Part[] {
    if (depth > MAX_DEPTH) throw syntax(`expressions are nested more than ${MAX_DEPTH} deep`);
    const parts: Part[] = [];
    let text = "";
    for (;;) {
      const end = this.#text.length;
      if (this.#at >= end) {
        if (depth > 0) throw syntax("a closing } is missing");
        break;
      }
      const char = this.#text[this.#at];
      if (char === "}" && depth > 0) {
        this.#at++;
        break;
      }
      if (char !== "$") {
        text += char;
        this.#at++;
      } else if (this.#text[this.#at + 1] === "$") {
        text += "$";
        this.#at += 2;
      } else {
        if (text !== "") parts.push({ kind: "text", text });
        text = "";
        parts.push(this.#variable(depth));
      }
    }
    if (text !== "") parts.push({ kind: "text", text });
    return parts;
  }

  #variable(depth: number): Part {
    this.#at++;
    if (this.#text[this.#at] !== "{") {
      const name = this.#name();
      if (name === undefined) throw syntax("a $ begins no variable: write $$ for a dollar");
      return { kind: "variable", name, argument: [] };
    }
    this.#at++;
    const name = this.#name();
    if (name === undefined) throw syntax("${ must be followed by a name (letters, digits and _)");
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return { kind: "variable", name, argument: [] };
    }
    const operator = OPERATORS.find((candidate) => this.#text.startsWith(candidate, this.#at));
    if (operator === undefined) throw syntax(`after \${${name} a } or one of :- - :? ? :+ + must follow`);
    this.#at += operator.length;
    return { kind: "variable", name, operator, argument: this.parts(depth + 1) };
  }

  #name(): string | undefined {
    NAME.lastIndex = this.#at;
    const match = NAME.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match[0];
  }
}

function syntax(message: string): TemplateError {
  return new TemplateError({ kind: "syntax", message });
}

function evaluate(
  parts: readonly Part[],
  resolve: (name: string) => Resolution,
  literal: (text: string) => string,
  mode: "template" | "text",
): TemplateResult<string> {
  const context = { resolve, literal, mode };
  try {
    return { kind: "ok", value: render(parts, context) };
  } catch (error) {
    if (error instanceof TemplateError) return { kind: "failed", failure: error.failure };
    throw error;
  }
}

interface RenderContext {
  readonly resolve: (name: string) => Resolution;
  readonly literal: (text: string) => string;
  readonly mode: "template" | "text";
}

function render(parts: readonly Part[], context: RenderContext): string {
  let result = "";
  for (const part of parts) {
    result += part.kind === "text" ? context.literal(part.text) : renderVariable(part, context);
    if (result.length > MAX_RESULT_LENGTH) throw new TemplateError({ kind: "too-long" });
  }
  return result;
}

function renderVariable(part: Extract<Part, { kind: "variable" }>, context: RenderContext): string {
  const found = context.resolve(part.name);
  if (found.kind === "device") return renderDevice(part, context);
  const value = found.kind === "value" ? found.value : undefined;
  const operator = part.operator;
  if (operator === undefined) {
    if (value === undefined) throw new TemplateError({ kind: "unset", name: part.name });
    return context.literal(value);
  }
  switch (operator) {
    case ":-":
      return value === undefined || value === "" ? render(part.argument, context) : context.literal(value);
    case "-":
      return value === undefined ? render(part.argument, context) : context.literal(value);
    case ":?":
    case "?":
      if (value === undefined || (operator === ":?" && value === "")) {
        const message = render(part.argument, { ...context, literal: (text) => text });
        throw new TemplateError({ kind: "required", name: part.name, message });
      }
      return context.literal(value);
    case ":+":
      return value === undefined || value === "" ? "" : render(part.argument, context);
    case "+":
      return value === undefined ? "" : render(part.argument, context);
  }
}

/** A device's variable keeps its form; braces in a filled argument would change where it ends. */
function renderDevice(part: Extract<Part, { kind: "variable" }>, context: RenderContext): string {
  if (part.operator === undefined) return `\${${part.name}}`;
  const argument = part.argument
    .map((inner) => {
      const text = render([inner], context);
      const isDevice = inner.kind === "variable" && context.resolve(inner.name).kind === "device";
      if (!isDevice && text.includes("}"))
        throw syntax(`the part after ${part.operator} of the device variable ${part.name} may not hold a }`);
      return text;
    })
    .join("");
  return `\${${part.name}${part.operator}${argument}}`;
}
