import { looksRandom } from "../proof.ts";
import type { Around, Candidate, SecretRule } from "../rule.ts";

const TOKEN = /(?<![0-9A-Za-z])\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])/g;

/** A bot's number, a colon and 35 characters that begin with `AA`. */
export const telegram: readonly SecretRule[] = [
  {
    id: "telegram-bot-token",
    title: "Telegram bot token",
    severity: "medium",
    keywords: [":AA"],
    before: 12,
    after: 40,
    find: findToken,
  },
];

function findToken({ text, at }: Around): Candidate | undefined {
  for (const match of text.matchAll(TOKEN)) {
    const end = match.index + match[0].length;
    if (match.index > at || end < at || !looksRandom(match[0].slice(-33), 3.8)) continue;
    return { start: match.index, end, confidence: "likely" };
  }
  return undefined;
}
