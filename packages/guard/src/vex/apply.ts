import type { Finding, Problem, Statement } from "../model.ts";
import { namesPackage } from "../policy/matches.ts";
import { decodePurl } from "../policy/reason.ts";
import { isPast } from "../policy/strict-yaml.ts";
import type { VexStatement } from "./statements.ts";
import type { Waiver } from "./waivers.ts";

export interface Said {
  readonly waivers: readonly Waiver[];
  readonly statements: readonly VexStatement[];
  /** Milliseconds since the epoch: a waiver that has expired is a problem and changes nothing. */
  readonly nowMs: number;
}

/**
 * The findings with what was said of them. One's own waivers come before statements from outside; of those the latest counts. VEX speaks of
 * vulnerabilities alone: nobody else's word makes malware or a secret harmless.
 */
export function applyStatements(
  findings: readonly Finding[],
  { waivers, statements, nowMs }: Said,
): { readonly findings: readonly Finding[]; readonly problems: readonly Problem[] } {
  const holding = waivers.filter(({ expires }) => !isPast(expires, nowMs));
  const byId = indexById(statements);
  const changed = findings.map((finding): Finding => {
    const waiver = holding.find((candidate) => waives(candidate, finding));
    const statement = waiver === undefined ? spokenOf(finding, byId) : ofWaiver(waiver);
    return statement === undefined ? finding : { ...finding, statement };
  });
  const expired = waivers.filter(({ expires }) => isPast(expires, nowMs));
  return { findings: changed, problems: expired.map(toProblem) };
}

function waives({ ids, packages, layers }: Waiver, finding: Finding): boolean {
  if (ids !== undefined && !ids.some((id) => id === finding.id || finding.aliases.includes(id))) return false;
  if (packages !== undefined && !namesPackage(packages, finding.purl)) return false;
  if (layers === undefined) return true;
  const places = finding.locations.length > 0 ? finding.locations : [finding.location];
  return places.every(({ layer }) => layer !== undefined && layers.includes(layer));
}

function ofWaiver({ owner, reason, document, expires, justification }: Waiver): Statement {
  return {
    kind: "waiver",
    status: justification === undefined ? "accepted" : "not-affected",
    by: owner,
    reason,
    document,
    ...(justification === undefined ? {} : { justification }),
    expires,
  };
}

function toProblem({ document, owner, expires, ids, packages, layers }: Waiver): Problem {
  const scope = [...(ids ?? []), ...(packages ?? []), ...(layers ?? [])].slice(0, 3).join(", ");
  return { path: document, reason: `waiver-expired: the waiver of ${scope} by ${owner} ended on ${expires}` };
}

function indexById(statements: readonly VexStatement[]): ReadonlyMap<string, readonly VexStatement[]> {
  const index = new Map<string, VexStatement[]>();
  for (const statement of statements)
    for (const id of new Set(statement.ids)) {
      const known = index.get(id);
      if (known === undefined) index.set(id, [statement]);
      else known.push(statement);
    }
  return index;
}

function spokenOf(finding: Finding, byId: ReadonlyMap<string, readonly VexStatement[]>): Statement | undefined {
  const { kind, id, aliases, purl } = finding;
  if (kind !== "vulnerability" || purl === undefined) return undefined;
  const about = [id, ...aliases]
    .flatMap((name) => byId.get(name) ?? [])
    .filter(({ products }) => products.some((product) => covers(product, purl)));
  const [latest] = about.sort((a, b) => compareTime(b.timestamp, a.timestamp));
  if (latest === undefined) return undefined;
  const { status, author, reason, document, justification } = latest;
  return {
    kind: "vex",
    status,
    by: author,
    reason,
    document,
    ...(justification === undefined ? {} : { justification }),
  };
}

function compareTime(a: string | undefined, b: string | undefined): number {
  return (a === undefined ? 0 : Date.parse(a)) - (b === undefined ? 0 : Date.parse(b));
}

/** Whether a product's package URL speaks of `purl`: a version or qualifier that it leaves out is any. */
export function covers(product: string, purl: string): boolean {
  const wanted = partsOf(product);
  const found = partsOf(purl);
  if (wanted.name !== found.name) return false;
  if (wanted.version !== undefined && wanted.version !== found.version) return false;
  return [...wanted.qualifiers].every(([key, value]) => found.qualifiers.get(key) === value);
}

function partsOf(purl: string) {
  const [path = "", query = ""] = purl.replace(/#.*$/, "").split("?");
  const at = path.lastIndexOf("@");
  const versioned = at > path.lastIndexOf("/");
  return {
    name: decodePurl(versioned ? path.slice(0, at) : path),
    version: versioned ? decodePurl(path.slice(at + 1)) : undefined,
    qualifiers: new URLSearchParams(query),
  };
}
