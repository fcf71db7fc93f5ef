import { looksRandom } from "../proof.ts";
import type { Around, Candidate, SecretRule } from "../rule.ts";

const MARKER = "T3BlbkFJ";
const KEY =
  /(?<![A-Za-z0-9_-])sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,100}|[A-Za-z0-9]{20})T3BlbkFJ[A-Za-z0-9_-]{20,100}(?![A-Za-z0-9_-])/g;

/** Keys carry a fixed marker (the provider's name in base64) in their middle. */
export const openai: readonly SecretRule[] = [
  {
    id: "openai-key",
    title: "OpenAI API key",
    severity: "high",
    keywords: [MARKER],
    before: 130,
    after: 130,
    find: findKey,
  },
];

function findKey({ text, at }: Around): Candidate | undefined {
  for (const match of text.matchAll(KEY)) {
    const end = match.index + match[0].length;
    if (match.index > at || end < at || !looksRandom(match[0].replace(MARKER, ""), 4)) continue;
    return { start: match.index, end, confidence: "proven" };
  }
  return undefined;
}
