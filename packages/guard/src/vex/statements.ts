import { CodedError } from "@flotilla/base/errors";
import { isObject, type JsonObject, parseJsonObject, textOf } from "../json.ts";
import type { Problem, Statement } from "../model.ts";

const MAX_STATEMENTS = 100_000;
const MAX_TEXT = 4096;

/** What a VEX document from outside says of a vulnerability in a product. */
export interface VexStatement {
  /** Id and aliases of the vulnerability. */
  readonly ids: readonly string[];
  /** Package URLs; without a version all versions, without qualifiers all of them. Never empty. */
  readonly products: readonly string[];
  readonly status: Exclude<Statement["status"], "accepted">;
  readonly justification?: string;
  readonly reason: string;
  readonly author: string;
  /** RFC 3339; the last statement on a finding counts. */
  readonly timestamp?: string;
  readonly document: string;
}

export interface VexDocument {
  readonly statements: readonly VexStatement[];
  /** Statements that could not be understood: they change nothing. */
  readonly problems: readonly Problem[];
}

const OPENVEX_STATUSES: Readonly<Record<string, VexStatement["status"]>> = {
  not_affected: "not-affected",
  affected: "affected",
  fixed: "fixed",
  under_investigation: "under-investigation",
};

/** CycloneDX 1.6, `impactAnalysisState`. */
const CYCLONEDX_STATES: Readonly<Record<string, VexStatement["status"]>> = {
  resolved: "fixed",
  resolved_with_pedigree: "fixed",
  exploitable: "affected",
  in_triage: "under-investigation",
  false_positive: "not-affected",
  not_affected: "not-affected",
};

/** Reads OpenVEX (0.x) or CycloneDX (JSON, `vulnerabilities[].analysis`). Throws `vex-invalid` when it is neither. */
export function readVex(bytes: Buffer, name: string): VexDocument {
  const parsed = parseJsonObject(bytes);
  if (parsed.kind === "bad") throw new CodedError("vex-invalid", `${name}: ${parsed.reason}`);
  const document = parsed.value;
  const context = document["@context"];
  const contexts = Array.isArray(context) ? context : [context];
  if (contexts.some((item) => typeof item === "string" && item.startsWith("https://openvex.dev/ns")))
    return collect(listOf(document["statements"]), name, (item) => readOpenVex(item, document, name));
  if (document["bomFormat"] === "CycloneDX") {
    const purls = purlsByRef(document);
    return collect(listOf(document["vulnerabilities"]), name, (item) => readCycloneDx(item, document, purls, name));
  }
  throw new CodedError("vex-invalid", `${name}: neither OpenVEX nor CycloneDX in JSON`);
}

function collect(
  items: readonly JsonObject[],
  name: string,
  read: (item: JsonObject) => VexStatement | string | undefined,
): VexDocument {
  const statements: VexStatement[] = [];
  const problems: Problem[] = [];
  for (const item of items.slice(0, MAX_STATEMENTS)) {
    const found = read(item);
    if (typeof found === "string") problems.push({ path: name, reason: `vex-ignored: ${found}` });
    else if (found !== undefined) statements.push(found);
  }
  if (items.length > MAX_STATEMENTS)
    problems.push({ path: name, reason: `too-many: ${items.length} statements, the bound is ${MAX_STATEMENTS}` });
  return { statements, problems };
}

/** The parts of a statement that both forms give in their own words. */
interface Parts {
  readonly ids: readonly string[];
  readonly products: readonly string[];
  readonly status: VexStatement["status"] | undefined;
  readonly word: string;
  readonly reason: readonly (string | undefined)[];
  readonly justification: string | undefined;
  readonly author: string | undefined;
  readonly timestamp: string | undefined;
}

function toStatement(parts: Parts, document: string): VexStatement | string {
  const { ids, products, status, justification, timestamp } = parts;
  const [id] = ids;
  if (id === undefined) return "a statement names no vulnerability";
  if (status === undefined) return `${id}: unknown status "${parts.word.slice(0, 100)}"`;
  if (products.length === 0) return `${id}: no product is named by a package URL`;
  return {
    ids,
    products,
    status,
    ...(justification === undefined ? {} : { justification }),
    reason: parts.reason.find((text) => text !== undefined) ?? justification?.replaceAll("_", " ") ?? status,
    author: parts.author ?? "unknown author",
    ...(timestamp === undefined || Number.isNaN(Date.parse(timestamp)) ? {} : { timestamp }),
    document,
  };
}

function readOpenVex(item: JsonObject, document: JsonObject, name: string): VexStatement | string {
  const vulnerability = item["vulnerability"];
  const named = isObject(vulnerability)
    ? [text(vulnerability["name"]), ...textsOf(vulnerability["aliases"])]
    : [text(vulnerability)];
  const word = text(item["status"]) ?? "";
  const parts: Parts = {
    ids: named.filter((id) => id !== undefined),
    products: listOrTexts(item["products"]).flatMap(productsOf),
    status: Object.hasOwn(OPENVEX_STATUSES, word) ? OPENVEX_STATUSES[word] : undefined,
    word,
    reason: [text(item["impact_statement"]), text(item["status_notes"]), text(item["action_statement"])],
    justification: text(item["justification"]),
    author: text(item["supplier"]) ?? text(document["author"]),
    timestamp: text(item["timestamp"]) ?? text(document["timestamp"]),
  };
  return toStatement(parts, name);
}

/** A product's own package, or its subcomponents when it names them: then the product is what they lie in. */
function productsOf(product: JsonObject | string): string[] {
  if (typeof product === "string") return isPurl(product) ? [product] : [];
  const parts = listOrTexts(product["subcomponents"]).flatMap(productsOf);
  if (product["subcomponents"] !== undefined) return parts;
  const identifiers = product["identifiers"];
  const named = [text(product["@id"]), isObject(identifiers) ? text(identifiers["purl"]) : undefined];
  return [...new Set(named.filter((id) => id !== undefined && isPurl(id)))].filter((id) => id !== undefined);
}

function readCycloneDx(
  item: JsonObject,
  document: JsonObject,
  purls: ReadonlyMap<string, string>,
  name: string,
): VexStatement | string | undefined {
  const analysis = item["analysis"];
  if (!isObject(analysis)) return undefined;
  const word = text(analysis["state"]) ?? "";
  const metadata = document["metadata"];
  const affected = listOf(item["affects"]).flatMap(({ ref }) => text(ref) ?? []);
  const parts: Parts = {
    ids: [text(item["id"]), ...listOf(item["references"]).map(({ id }) => text(id))].filter((id) => id !== undefined),
    products: affected
      .map((ref) => purls.get(ref) ?? ref.replace(/^urn:cdx:[^#]*#/, ""))
      .map(decodeRef)
      .filter(isPurl),
    status: Object.hasOwn(CYCLONEDX_STATES, word) ? CYCLONEDX_STATES[word] : undefined,
    word,
    reason: [text(analysis["detail"])],
    justification: text(analysis["justification"]),
    author: isObject(metadata) ? listOf(metadata["authors"]).map((author) => text(author["name"]))[0] : undefined,
    timestamp: text(item["updated"]) ?? (isObject(metadata) ? text(metadata["timestamp"]) : undefined),
  };
  return toStatement(parts, name);
}

/** A BOM-Link percent-encodes the reference after its `#`. */
function decodeRef(ref: string): string {
  return ref.startsWith("pkg%3A") ? decodeURIComponent(ref.replace(/%(?![0-9A-Fa-f]{2})/g, "%25")) : ref;
}

function purlsByRef(document: JsonObject): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const component of listOf(document["components"])) {
    const [ref, purl] = [text(component["bom-ref"]), text(component["purl"])];
    if (ref !== undefined && purl !== undefined) found.set(ref, purl);
  }
  return found;
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function listOrTexts(value: unknown): (JsonObject | string)[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string" || isObject(item)) : [];
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((item) => text(item) ?? []) : [];
}

function text(value: unknown): string | undefined {
  const found = textOf(value, MAX_TEXT);
  return found === "" ? undefined : found;
}

function isPurl(id: string): boolean {
  return id.startsWith("pkg:");
}
