import { formatPurl } from "../../purl.ts";
import type { FoundPackage } from "../ecosystem.ts";

const MAX_LICENCE_LENGTH = 500;

/** What a database or manifest says of one package; all of it from outside. */
export interface OpkgFacts {
  readonly name: string;
  readonly version: string;
  readonly architecture: string | undefined;
  /** Name of the recipe or source package that it is built from. */
  readonly recipe?: string | undefined;
  readonly licence?: string | undefined;
  readonly evidence: FoundPackage["evidence"];
}

/** The package, or the reason why there is none. Its namespace is the system's id, once that is known. */
export function opkgPackage(facts: OpkgFacts): FoundPackage | string {
  const { name, version, evidence } = facts;
  if (!isName(name)) return `malformed: package name ${JSON.stringify(name.slice(0, 80))}`;
  if (!/^[A-Za-z0-9._:~^+-]{1,200}$/.test(version))
    return `malformed: version of ${name} ${JSON.stringify(version.slice(0, 80))}`;
  const qualifiers = { arch: facts.architecture?.slice(0, 50) };
  const licence = facts.licence?.slice(0, MAX_LICENCE_LENGTH);
  return {
    purl: formatPurl({ type: "opkg", namespace: "openwrt", name, version, qualifiers }),
    name,
    version,
    ...(facts.recipe !== undefined && isName(facts.recipe) ? { source: { name: facts.recipe, version } } : {}),
    evidence,
    ...(licence === undefined || licence === "" ? {} : { licence }),
  };
}

function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9+._-]{0,199}$/.test(text);
}
