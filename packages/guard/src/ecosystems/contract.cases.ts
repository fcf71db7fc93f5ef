import type { Package } from "../model.ts";

/** A file of an artifact and what it gives. */
export interface InventoryCase {
  readonly name: string;
  readonly path: string;
  readonly content: string | Buffer;
  /** `purl`, then what else is said of the package: `dev`, `direct`, `indirect`, `installed`, `line:3`, `licence:MIT`, `source:glibc@2.36`, `by:name@1` for who brought it. */
  readonly packages: readonly string[];
  /** Start of each problem's reason. */
  readonly problems?: readonly string[];
}

/** A package in the words of {@link InventoryCase.packages}. */
export function describePackage(found: Package): string {
  const words = [found.purl];
  if (found.evidence === "installed") words.push("installed");
  if (found.development === true) words.push("dev");
  if (found.direct === true) words.push("direct");
  if (found.direct === false) words.push("indirect");
  if (found.locations[0]?.line !== undefined) words.push(`line:${found.locations[0].line}`);
  if (found.licence !== undefined) words.push(`licence:${found.licence}`);
  if (found.source !== undefined) words.push(`source:${found.source.name}@${found.source.version}`);
  for (const purl of found.requiredBy ?? []) words.push(`by:${purl.slice(purl.lastIndexOf("/") + 1)}`);
  return words.join(" ");
}
