import { sha256 } from "@flotilla/oci/hash";
import { NO_MORE } from "../ecosystems/ecosystem.ts";
import type { SecretHit } from "../model.ts";
import { type Automaton, createAutomaton, type Keyword } from "./automaton.ts";
import { type Candidate, MAX_BEFORE_BYTES, type SecretRule } from "./rule.ts";
import { rules } from "./rules/index.ts";

/** Looks for secrets in one file's body as it comes past. */
export interface SecretReader {
  /** As in `FileReader`. */
  write(chunk: Buffer, at: number): number;
  /** What was found; call once, at the end. */
  result(): SecretResult;
}

export interface SecretResult {
  readonly hits: readonly SecretHit[];
  readonly problems: readonly string[];
  /** The file turned out to be binary and was not looked through. */
  readonly isBinary: boolean;
}

/** A file with a NUL byte in its first bytes is binary and not looked through. */
const BINARY_PROBE_BYTES = 8192;
const MAX_HITS_PER_FILE = 200;
/** Text that rules may look at in one file, on top of the file's own size: a file made of keywords ends as a problem. */
const MAX_LOOKED_AT_BYTES = 64 * 1024 * 1024;
/** Lines are counted up to here. */
const MAX_LINE_OFFSET = 16 * 1024 * 1024;

const AUTOMATON: Automaton<number> = createAutomaton(
  rules.flatMap((rule, value) => rule.keywords.map((text): Keyword<number> => ({ text, value }))),
);

/** A reader for the file at `path`. */
export function createSecretReader(path: string, sizeBytes: number): SecretReader {
  return new Reader(path, sizeBytes);
}

/** A keyword that was seen, until enough of what follows it is there. */
interface Sighting {
  readonly rule: number;
  /** Offset of the keyword's first byte in the file. */
  readonly start: number;
}

interface Found {
  readonly rule: number;
  readonly start: number;
  readonly end: number;
  readonly hit: SecretHit;
}

class Reader implements SecretReader {
  readonly #path: string;
  readonly #sizeBytes: number;
  #state = AUTOMATON.start;
  #sightings: Sighting[] = [];
  /** The end of what was written, for keywords that need what stands before them or what is still to come. */
  #kept: Buffer = Buffer.alloc(0);
  #keptAt = 0;
  /** Newlines before `#keptAt`. */
  #lines = 0;
  #lookedAt = 0;
  #found: Found[] = [];
  #problem: string | undefined;
  #isBinary = false;

  constructor(path: string, sizeBytes: number) {
    this.#path = path;
    this.#sizeBytes = sizeBytes;
  }

  write(chunk: Buffer, at: number): number {
    if (at === 0 && chunk.subarray(0, BINARY_PROBE_BYTES).includes(0)) {
      this.#isBinary = true;
      return NO_MORE;
    }
    const end = at + chunk.length;
    this.#state = AUTOMATON.scan(chunk, this.#state, (keywords, index) => {
      for (const { text, value } of keywords)
        this.#sightings.push({ rule: value, start: at + index + 1 - text.length });
    });
    const isLast = end >= this.#sizeBytes;
    if (this.#sightings.length > 0) this.#look(this.#joined(chunk, at), isLast);
    if (this.#problem !== undefined || isLast) return NO_MORE;
    this.#keep(chunk, at);
    return end;
  }

  result(): SecretResult {
    // A body that was cut short: what there is of it is all there will be.
    if (this.#sightings.length > 0) this.#look(this.#kept, true);
    const problems = this.#problem === undefined ? [] : [this.#problem];
    return { hits: withoutOverlaps(this.#found), problems, isBinary: this.#isBinary };
  }

  /** The bytes kept from before, and `chunk`. */
  #joined(chunk: Buffer, at: number): Buffer {
    if (this.#kept.length === 0) {
      this.#keptAt = at;
      return chunk;
    }
    return Buffer.concat([this.#kept, chunk]);
  }

  /** Asks the rules wherever all they need is in `bytes`, which begin at `#keptAt`. */
  #look(bytes: Buffer, isLast: boolean): void {
    const end = this.#keptAt + bytes.length;
    const waiting: Sighting[] = [];
    for (const sighting of this.#sightings) {
      const rule = rules[sighting.rule];
      if (rule === undefined) continue;
      if (!isLast && sighting.start + rule.after > end) waiting.push(sighting);
      else if (!this.#isInside(sighting)) this.#ask(rule, sighting, bytes);
      if (this.#problem !== undefined) break;
    }
    this.#sightings = this.#problem === undefined ? waiting : [];
  }

  /** Whether the keyword stands inside a secret of its rule that was found already. */
  #isInside({ rule, start }: Sighting): boolean {
    const last = this.#found.at(-1);
    return last !== undefined && last.rule === rule && start < last.end;
  }

  #ask(rule: SecretRule, sighting: Sighting, bytes: Buffer): void {
    const at = sighting.start - this.#keptAt;
    if (!isKeywordHere(rule, bytes, at)) return;
    const from = Math.max(0, at - rule.before);
    const to = Math.min(bytes.length, at + rule.after);
    this.#lookedAt += to - from;
    if (this.#lookedAt > MAX_LOOKED_AT_BYTES + this.#sizeBytes) {
      this.#problem = "too-many-keywords: made to slow a scanner down; not looked through to its end";
      return;
    }
    const text = bytes.toString("latin1", from, to);
    const candidate = rule.find({ text, at: at - from });
    if (candidate !== undefined) this.#add(rule, sighting.rule, candidate, { text, bytes, from });
  }

  #add(
    rule: SecretRule,
    ruleIndex: number,
    candidate: Candidate,
    { text, bytes, from }: { readonly text: string; readonly bytes: Buffer; readonly from: number },
  ): void {
    if (this.#found.length >= MAX_HITS_PER_FILE) {
      this.#problem = `too-many-secrets: more than ${MAX_HITS_PER_FILE}, the rest is left out`;
      return;
    }
    const secret = candidate.secret ?? text.slice(candidate.start, candidate.end);
    const start = from + candidate.start;
    const line = this.#lineAt(bytes, start);
    this.#found.push({
      rule: ruleIndex,
      start: this.#keptAt + start,
      end: this.#keptAt + from + candidate.end,
      hit: {
        rule: rule.id,
        title: rule.title,
        confidence: candidate.confidence,
        severity: candidate.severity ?? rule.severity,
        sample: redacted(text.slice(candidate.start, candidate.end)),
        fingerprint: sha256(Buffer.from(secret, "latin1")),
        location: line === undefined ? { path: this.#path } : { path: this.#path, line },
      },
    });
  }

  #lineAt(bytes: Buffer, index: number): number | undefined {
    if (this.#keptAt > MAX_LINE_OFFSET) return undefined;
    return this.#lines + countNewlines(bytes, index) + 1;
  }

  /** Keeps the end of what was written: what rules may want to see before a keyword to come, and all since the first that waits. */
  #keep(chunk: Buffer, at: number): void {
    const end = at + chunk.length;
    const first = this.#sightings[0];
    const wanted = Math.min(end, first?.start ?? end) - MAX_BEFORE_BYTES;
    const from = Math.max(this.#keptAt, wanted);
    const isInChunk = from >= at;
    const bytes = isInChunk ? chunk : Buffer.concat([this.#kept, chunk]);
    const base = isInChunk ? at : this.#keptAt;
    if (this.#keptAt <= MAX_LINE_OFFSET) this.#lines += this.#newlinesUpTo(chunk, at, from);
    this.#kept = Buffer.from(bytes.subarray(from - base));
    this.#keptAt = from;
  }

  /** Newlines from `#keptAt` to `to`, of which some stand in what was kept and the rest in `chunk`. */
  #newlinesUpTo(chunk: Buffer, at: number, to: number): number {
    const old = countNewlines(this.#kept, Math.min(this.#kept.length, to - this.#keptAt));
    return to <= at ? old : old + countNewlines(chunk, to - at);
  }
}

/** Keywords are found in any case; most rules want theirs as it is written. */
function isKeywordHere(rule: SecretRule, bytes: Buffer, at: number): boolean {
  if (rule.anyCase === true) return true;
  return rule.keywords.some((keyword) => bytes.toString("latin1", at, at + keyword.length) === keyword);
}

function countNewlines(bytes: Buffer, end: number): number {
  let count = 0;
  for (let index = 0; index < end; index++) if (bytes[index] === 0x0a) count++;
  return count;
}

/** Never more than a sixth of the secret, and never more than four characters. */
function redacted(secret: string): string {
  const shown = secret.slice(0, Math.min(4, Math.floor(secret.length / 6))).replace(/[^\x21-\x7e]/g, "?");
  return `${shown}… (${secret.length} characters)`;
}

/** Of secrets that overlap, the one of the rule that stands first in the list; of equal ones, the first in the file. */
function withoutOverlaps(found: readonly Found[]): SecretHit[] {
  const kept: Found[] = [];
  const seen = new Set<string>();
  for (const one of [...found].sort((a, b) => a.rule - b.rule || a.start - b.start)) {
    const key = `${one.hit.rule} ${one.hit.fingerprint}`;
    if (seen.has(key) || kept.some((other) => one.start < other.end && other.start < one.end)) continue;
    seen.add(key);
    kept.push(one);
  }
  return kept.sort((a, b) => a.start - b.start).map(({ hit }) => hit);
}
