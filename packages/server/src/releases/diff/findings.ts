import type { Finding } from "@flotilla/guard/model";
import type { FindingChange } from "@flotilla/protocol/api/release-diff";

/** Findings that only one of two versions of an image has. One that stays with another version of its package is the same. Pure. */
export function diffFindings(
  image: string,
  from: readonly Finding[],
  to: readonly Finding[],
): readonly FindingChange[] {
  const [before, after] = [keysOf(from), keysOf(to)];
  return [
    ...[...after].filter(([key]) => !before.has(key)).map(([, finding]) => changed(image, "new", finding)),
    ...[...before].filter(([key]) => !after.has(key)).map(([, finding]) => changed(image, "fixed", finding)),
  ];
}

function keysOf(findings: readonly Finding[]): ReadonlyMap<string, Finding> {
  const found = new Map<string, Finding>();
  for (const finding of findings) {
    const key = keyOf(finding);
    if (!found.has(key)) found.set(key, finding);
  }
  return found;
}

/** A secret is known by its fingerprint; anything else by its id and its package without the version. */
function keyOf({ kind, id, fingerprint, purl }: Finding): string {
  return JSON.stringify([kind, id, fingerprint ?? (purl === undefined ? "" : withoutVersion(purl))]);
}

/** `pkg:npm/%40scope/name@1.2?arch=x` → `pkg:npm/%40scope/name`: an `@` in a name is encoded (purl-spec). */
function withoutVersion(purl: string): string {
  return purl.replace(/[?#].*$/, "").replace(/@[^@/]*$/, "");
}

function changed(image: string, change: FindingChange["change"], finding: Finding): FindingChange {
  const { kind, id, severity, title, purl, fixed, location } = finding;
  return {
    image,
    change,
    kind,
    id,
    severity,
    ...(title === undefined ? {} : { title }),
    ...(purl === undefined ? {} : { purl }),
    ...(fixed === undefined ? {} : { fixed }),
    path: location.path,
  };
}
