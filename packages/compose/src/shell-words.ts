/**
 * Splits a command as a shell does (POSIX quoting, no expansion), for `command:` and `entrypoint:` given as one text. Variables of the
 * device (`${…}`) stay whole within their word. Undefined when a quote is not closed.
 */
export function shellWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (quote !== "'" && text.startsWith("${", at)) {
      const end = expressionEnd(text, at);
      word = (word ?? "") + text.slice(at, end);
      at = end - 1;
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === quote) quote = undefined;
    else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char;
      word ??= "";
    } else if (char === "\\" && quote !== "'" && escapes(text[at + 1], quote)) {
      word = (word ?? "") + text[++at];
    } else word = (word ?? "") + char;
  }
  if (quote !== undefined) return undefined;
  return word === undefined ? words : [...words, word];
}

/** In double quotes a backslash stands for itself but before `"`, `\`, `$`, and a backquote. */
function escapes(next: string | undefined, quote: '"' | "'" | undefined): boolean {
  if (next === undefined) return false;
  return quote === undefined || next === '"' || next === "\\" || next === "`";
}

function expressionEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith("${", at)) depth++;
    else if (text[at] === "}" && --depth === 0) return at + 1;
  }
  return text.length;
}
