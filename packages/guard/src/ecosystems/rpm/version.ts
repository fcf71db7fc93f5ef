import { compareDigits, compareText } from "../digits.ts";
import { compareParsed } from "../version-order.ts";

interface RpmVersion {
  readonly epoch: number;
  readonly version: readonly string[];
  readonly release: readonly string[];
}

const MAX_VERSION_LENGTH = 512;
/** What rpm allows in version and release, `_` and the like included (rpm-spec(5), `Version`). */
const ALLOWED = /^[\x21-\x2c\x2e-\x39\x3b-\x7e]+$/;

/** Whether `version` is `[epoch:]version[-release]`. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of RPM versions: epoch, version, release, each part by rpmvercmp. A missing release stands below all others. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: RpmVersion, b: RpmVersion): number {
  return a.epoch - b.epoch || compareSegments(a.version, b.version) || compareSegments(a.release, b.release);
}

function parse(text: string): RpmVersion | undefined {
  if (text.length > MAX_VERSION_LENGTH) return undefined;
  const match = /^(?:(\d{1,9}|\(none\)):)?([^:-]+)(?:-([^:-]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, epoch = "0", version = "", release = ""] = match;
  if (!ALLOWED.test(version) || (release !== "" && !ALLOWED.test(release))) return undefined;
  return { epoch: epoch === "(none)" ? 0 : Number(epoch), version: segmentsOf(version), release: segmentsOf(release) };
}

function segmentsOf(text: string): readonly string[] {
  return text.match(/~|\^|\d+|[A-Za-z]+/g) ?? [];
}

/** rpm `rpmio/rpmvercmp.cc`: separators only separate; a tilde stands below the end, a caret just above it, letters below numbers. */
function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const left = a[index] ?? "";
    const right = b[index] ?? "";
    const rank = rankOf(left);
    const order = rank - rankOf(right) || (rank === NUMBER ? compareDigits(left, right) : compareText(left, right));
    if (order !== 0) return order;
  }
  return 0;
}

const NUMBER = 4;

function rankOf(segment: string): number {
  if (segment === "~") return 0;
  if (segment === "") return 1;
  if (segment === "^") return 2;
  return /^\d/.test(segment) ? NUMBER : 3;
}
