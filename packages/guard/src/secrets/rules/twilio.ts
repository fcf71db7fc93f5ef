import { looksRandom } from "../proof.ts";
import type { Around, Candidate, SecretRule } from "../rule.ts";

const NEAR_BYTES = 300;
const KEY = /(?<![A-Za-z0-9])(SK[0-9a-f]{32})(?![A-Za-z0-9])|auth_?token["'\s:=]{1,10}([0-9a-f]{32})(?![A-Za-z0-9])/gi;

/** API keys and account tokens are plain hex, so only beside the provider's name. */
export const twilio: readonly SecretRule[] = [
  {
    id: "twilio-key",
    title: "Twilio API key or token",
    severity: "high",
    keywords: ["twilio"],
    anyCase: true,
    before: NEAR_BYTES,
    after: NEAR_BYTES,
    find: findKey,
  },
];

function findKey({ text }: Around): Candidate | undefined {
  for (const match of text.matchAll(KEY)) {
    const key = match[1] ?? match[2] ?? "";
    if (!looksRandom(key, 3)) continue;
    const start = match.index + match[0].indexOf(key);
    return { start, end: start + key.length, confidence: "likely" };
  }
  return undefined;
}
