import { entropy, isPlaceholder } from "../proof.ts";
import type { Around, Candidate, SecretRule } from "../rule.ts";

const NEAR_BYTES = 400;
/** Ids are base32; other digits do not occur in real ones. */
const KEY_ID = /(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/y;
const BASE32 = /^[A-Z2-7]+$/;
/** 30 random bytes in base64; more entropy than a hash in hex can have. */
const SECRET_KEY = /(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/g;
const MIN_SECRET_ENTROPY = 4.2;

/** An access key id beside its secret is a working pair; the id alone names an account and opens nothing. */
export const aws: readonly SecretRule[] = [
  {
    id: "aws-access-key",
    title: "AWS access key",
    severity: "critical",
    keywords: ["AKIA", "ASIA"],
    before: NEAR_BYTES,
    after: NEAR_BYTES,
    find: findKey,
  },
];

function findKey({ text, at }: Around): Candidate | undefined {
  if (at > 0 && /[A-Za-z0-9]/.test(text[at - 1] ?? "")) return undefined;
  KEY_ID.lastIndex = at;
  const id = KEY_ID.exec(text)?.[0];
  if (id === undefined || isPlaceholder(id) || entropy(id.slice(4)) < 2.8) return undefined;
  const secret = nearestSecret(text, at);
  const place = { start: at, end: at + id.length };
  const isBase32 = BASE32.test(id);
  if (secret === undefined) return isBase32 ? { ...place, confidence: "likely", severity: "medium" } : undefined;
  return { ...place, confidence: isBase32 ? "proven" : "likely", secret: `${id}:${secret}` };
}

function nearestSecret(text: string, at: number): string | undefined {
  let nearest: string | undefined;
  let distance = Number.POSITIVE_INFINITY;
  for (const match of text.matchAll(SECRET_KEY)) {
    const [candidate] = match;
    if (isPlaceholder(candidate) || entropy(candidate) < MIN_SECRET_ENTROPY || !isMixed(candidate)) continue;
    if (Math.abs(match.index - at) >= distance) continue;
    nearest = candidate;
    distance = Math.abs(match.index - at);
  }
  return nearest;
}

function isMixed(text: string): boolean {
  return /[A-Z]/.test(text) && /[a-z]/.test(text) && /[0-9/+]/.test(text);
}
