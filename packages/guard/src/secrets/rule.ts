import type { SecretHit, Severity } from "../model.ts";

/**
 * What one kind of secret looks like. A rule is asked only where one of its keywords stands, and sees only a bounded stretch around it:
 * no rule can make a scan slow.
 */
export interface SecretRule {
  /** `provider-what`, kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  /** Texts (ASCII) without which the secret is not there, at least 3 characters; the rarer the better. */
  readonly keywords: readonly string[];
  /** Whether keywords are found in any case; default false. */
  readonly anyCase?: boolean;
  /** Bytes before the keyword that `find` needs; at most {@link MAX_BEFORE_BYTES}. */
  readonly before: number;
  /** Bytes from the keyword's start on that `find` needs; at most {@link MAX_AFTER_BYTES}. */
  readonly after: number;
  /** The secret around the keyword, or undefined. Must be linear in the length of the text, and prove what can be proven. */
  find(around: Around): Candidate | undefined;
}

export const MAX_BEFORE_BYTES = 4096;
export const MAX_AFTER_BYTES = 8192;

/** The stretch of a file around a keyword, one byte a character. */
export interface Around {
  readonly text: string;
  /** Where the keyword begins in `text`. */
  readonly at: number;
}

/** A secret that was found in {@link Around.text}. */
export interface Candidate {
  readonly start: number;
  readonly end: number;
  readonly confidence: SecretHit["confidence"];
  /** The secret itself where it is not the text from `start` to `end`: what is hashed. */
  readonly secret?: string;
  readonly severity?: Severity;
}

export interface TokenShape {
  /** With the sticky flag; matches the whole token from the keyword's start, or group 1 is the token. */
  readonly pattern: RegExp;
  /** How sure, from the token's own structure; undefined refuses it. */
  readonly judge: (token: string, around: Around) => Candidate["confidence"] | undefined;
}

/** `find` of tokens that begin with their keyword. What stands right before must not belong to a longer word. */
export function tokenAt({ pattern, judge }: TokenShape): SecretRule["find"] {
  return (around) => {
    const { text, at } = around;
    if (at > 0 && isWordChar(text.charCodeAt(at - 1))) return undefined;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const token = match[1] ?? match[0];
    const confidence = judge(token, around);
    if (confidence === undefined) return undefined;
    const start = at + match[0].indexOf(token);
    return { start, end: start + token.length, confidence };
  };
}

function isWordChar(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f
  );
}
