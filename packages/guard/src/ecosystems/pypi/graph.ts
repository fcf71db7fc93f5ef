import type { Extraction } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { isDistributionName, normaliseName, pypiPurl } from "./purl.ts";

/** A distribution of a lock file. */
export interface Locked {
  readonly name: string;
  readonly version: string | undefined;
  /** Comes from a URL, a repository or a folder: no advisory speaks of it. */
  readonly elsewhere: boolean;
  readonly development?: boolean | undefined;
  readonly direct?: boolean | undefined;
  /** Names of what it needs. */
  readonly needs: readonly string[];
}

/** A name is locked in a few versions, for different platforms. */
const MAX_VERSIONS = 16;
const PEP440_START = /^v?\d/;

/** What `locked` declares, and who brought what; where a name is locked in several versions, each may be the one. */
export function extractLocked(locked: readonly Locked[], problems: readonly string[] = []): Extraction {
  const gathering = createGathering();
  for (const problem of problems) gathering.problem(problem);
  const purls = new Map<string, string[]>();
  const added: { readonly purl: string; readonly needs: readonly string[] }[] = [];
  for (const item of locked) {
    const purl = add(item, gathering);
    if (purl === undefined) continue;
    const name = normaliseName(item.name);
    const known = purls.get(name);
    if (known === undefined) purls.set(name, [purl]);
    else if (known.length < MAX_VERSIONS && !known.includes(purl)) known.push(purl);
    added.push({ purl, needs: item.needs });
  }
  for (const { purl, needs } of added)
    for (const need of needs)
      for (const needed of purls.get(normaliseName(need)) ?? []) gathering.requires(purl, needed);
  return gathering.extraction();
}

function add(item: Locked, gathering: Gathering): string | undefined {
  if (!isDistributionName(item.name)) gathering.malformed(item.name);
  else if (item.elsewhere || item.version === undefined || !PEP440_START.test(item.version))
    gathering.unversioned(item.name);
  else {
    const name = normaliseName(item.name);
    const purl = pypiPurl(name, item.version);
    gathering.add({
      purl,
      name,
      version: item.version,
      ...(item.development === true ? { development: true } : {}),
      ...(item.direct === undefined ? {} : { direct: item.direct }),
    });
    return purl;
  }
  return undefined;
}

/** The name at the start of a requirement (PEP 508). */
export function requirementName(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}/.exec(text.trim())?.[0] ?? "";
}
