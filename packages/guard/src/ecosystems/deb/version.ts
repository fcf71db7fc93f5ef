import { compareParsed } from "../version-order.ts";

interface DebVersion {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

const MAX_VERSION_LENGTH = 512;
const ALLOWED = /^[A-Za-z0-9.+~:_-]*$/;

/** Whether `version` is one that dpkg accepts (deb-version(7)); upstream versions need not begin with a digit, as in practice. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of Debian package versions, as `dpkg --compare-versions` has it (deb-version(7), "Sorting algorithm"). */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: DebVersion, b: DebVersion): number {
  return a.epoch - b.epoch || compareParts(a.upstream, b.upstream) || compareParts(a.revision, b.revision);
}

function parse(version: string): DebVersion | undefined {
  const text = version.trim();
  if (text === "" || text.length > MAX_VERSION_LENGTH || !ALLOWED.test(text)) return undefined;
  const colon = text.indexOf(":");
  const epoch = colon < 0 ? "0" : text.slice(0, colon);
  if (!/^\d{1,9}$/.test(epoch)) return undefined;
  const rest = text.slice(colon + 1);
  const hyphen = rest.lastIndexOf("-");
  const upstream = hyphen < 0 ? rest : rest.slice(0, hyphen);
  if (upstream === "" || rest.endsWith("-")) return undefined;
  return { epoch: Number(epoch), upstream, revision: hyphen < 0 ? "" : rest.slice(hyphen + 1) };
}

/** Runs of non-digits by dpkg's character order and runs of digits by value, in turn (dpkg `lib/dpkg/version.c`, verrevcmp). */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = rankAt(a, i) - rankAt(b, j);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const endA = endOfDigits(a, i);
    const endB = endOfDigits(b, j);
    const difference = compareDigits(a.slice(i, endA), b.slice(j, endB));
    if (difference !== 0) return difference;
    i = endA;
    j = endB;
  }
  return 0;
}

/** `~` stands below the end, the end (and digits) below letters, letters below all else. */
function rankAt(text: string, index: number): number {
  if (index >= text.length || isDigit(text, index)) return 0;
  const code = text.charCodeAt(index);
  if (code === 0x7e) return -1;
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isLetter ? code : code + 256;
}

function compareDigits(a: string, b: string): number {
  const left = a.replace(/^0+/, "");
  const right = b.replace(/^0+/, "");
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}

function endOfDigits(text: string, start: number): number {
  let end = start;
  while (end < text.length && isDigit(text, end)) end++;
  return end;
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0x30 && code <= 0x39;
}
