/** A licence expression (SPDX specification, annex "SPDX license expressions"). */
export type Expression =
  | { readonly kind: "licence"; readonly id: string; readonly orLater: boolean; readonly exception?: string }
  | { readonly kind: "and" | "or"; readonly parts: readonly Expression[] };

const MAX_CHARS = 2000;
const MAX_DEPTH = 20;
const ID = /^(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9.-]+\+?$/;
const WORDS: ReadonlySet<string> = new Set(["AND", "OR", "WITH", "(", ")"]);

interface Reader {
  readonly tokens: readonly string[];
  at: number;
  depth: number;
}

/** The expression in `text`, or undefined when it is none. Ids are not looked up: any well-formed one stands. */
export function parseExpression(text: string): Expression | undefined {
  if (text.length > MAX_CHARS) return undefined;
  const reader: Reader = { tokens: text.match(/[()]|[^\s()]+/g) ?? [], at: 0, depth: 0 };
  const expression = readOr(reader);
  return reader.at === reader.tokens.length ? expression : undefined;
}

/** The expression as text, with no more brackets than needed. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case "licence": {
      const exception = expression.exception === undefined ? "" : ` WITH ${expression.exception}`;
      return `${expression.id}${expression.orLater ? "+" : ""}${exception}`;
    }
    case "and":
      return expression.parts
        .map((part) => (part.kind === "or" ? `(${formatExpression(part)})` : formatExpression(part)))
        .join(" AND ");
    case "or":
      return expression.parts.map(formatExpression).join(" OR ");
  }
}

/** Every licence that an expression names. */
export function licencesIn(expression: Expression): (Expression & { readonly kind: "licence" })[] {
  return expression.kind === "licence" ? [expression] : expression.parts.flatMap(licencesIn);
}

function readOr(reader: Reader): Expression | undefined {
  return readList(reader, "OR", (inner) => readList(inner, "AND", readOne));
}

function readList(
  reader: Reader,
  word: "AND" | "OR",
  read: (reader: Reader) => Expression | undefined,
): Expression | undefined {
  const parts: Expression[] = [];
  do {
    const part = read(reader);
    if (part === undefined) return undefined;
    parts.push(part);
  } while (take(reader, word));
  const [first] = parts;
  return parts.length === 1 ? first : { kind: word === "AND" ? "and" : "or", parts };
}

function readOne(reader: Reader): Expression | undefined {
  if (take(reader, "(")) {
    if (++reader.depth > MAX_DEPTH) return undefined;
    const inner = readOr(reader);
    reader.depth--;
    return take(reader, ")") ? inner : undefined;
  }
  const id = readId(reader);
  if (id === undefined) return undefined;
  const orLater = id.endsWith("+");
  const licence = { kind: "licence", id: orLater ? id.slice(0, -1) : id, orLater } as const;
  if (!take(reader, "WITH")) return licence;
  const exception = readId(reader);
  return exception === undefined ? undefined : { ...licence, exception };
}

function readId(reader: Reader): string | undefined {
  const token = reader.tokens[reader.at];
  if (token === undefined || WORDS.has(token.toUpperCase()) || !ID.test(token)) return undefined;
  reader.at++;
  return token;
}

/** Operators are written in capitals; lower case is accepted, as SPDX 2.3 does. */
function take(reader: Reader, word: string): boolean {
  if (reader.tokens[reader.at]?.toUpperCase() !== word) return false;
  reader.at++;
  return true;
}
