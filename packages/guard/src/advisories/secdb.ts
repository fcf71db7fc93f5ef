import * as apk from "../ecosystems/apk/version.ts";
import { isObject, type JsonObject, textOf } from "../json.ts";
import { CatalogueReader, type CatalogueReading, CVE_ID } from "./catalogue.ts";
import { isKeyPart, keyOf } from "./format.ts";

const MAX_PACKAGES = 100_000;

/** Whether a JSON value is a security database as Alpine, Wolfi and Chainguard publish it. */
export function isSecdb(value: unknown): value is JsonObject {
  return (
    isObject(value) && Array.isArray(value["packages"]) && typeof value["reponame"] === "string" && "apkurl" in value
  );
}

/** Fixed version → vulnerabilities, by package; under version `0` stand those that never affected it. */
export function readSecdb(database: JsonObject): CatalogueReading {
  const stream = streamOf(database);
  if (stream === undefined)
    return {
      prefix: "",
      advisories: [],
      problems: ["unknown-stream: no release of Alpine, Wolfi or Chainguard is named"],
    };
  const reader = new CatalogueReader(stream.prefix);
  const packages: readonly unknown[] = Array.isArray(database["packages"]) ? database["packages"] : [];
  if (packages.length > MAX_PACKAGES) reader.problem(`too-many-packages: more than ${MAX_PACKAGES}`);
  for (const entry of packages.slice(0, MAX_PACKAGES)) readPackage(reader, stream.ecosystem, entry);
  return reader.finish();
}

/** Each database speaks of one repository of one release, and its ids say so: another's are not its to replace. */
function streamOf(database: JsonObject): { readonly ecosystem: string; readonly prefix: string } | undefined {
  const repository = textOf(database["reponame"], 50) ?? "";
  if (!/^[a-z][a-z0-9-]*$/.test(repository)) return undefined;
  const release = /^v\d+\.\d+$/.exec(textOf(database["distroversion"], 50) ?? "")?.[0];
  if (release !== undefined) return { ecosystem: `Alpine:${release}`, prefix: `ALPINE-${release}-${repository}-` };
  const host = /^https:\/\/[^/]*\.?(wolfi\.dev|cgr\.dev)\//.exec(`${textOf(database["urlprefix"]) ?? ""}/`)?.[1];
  if (host === "wolfi.dev") return { ecosystem: "Wolfi", prefix: `WOLFI-${repository}-` };
  return host === "cgr.dev" ? { ecosystem: "Chainguard", prefix: `CHAINGUARD-${repository}-` } : undefined;
}

function readPackage(reader: CatalogueReader, ecosystem: string, entry: unknown): void {
  const item = isObject(entry) ? entry["pkg"] : undefined;
  const name = isObject(item) ? textOf(item["name"]) : undefined;
  const fixes = isObject(item) ? item["secfixes"] : undefined;
  if (name === undefined || !isKeyPart(name) || !isObject(fixes)) {
    // Packages of which there is nothing to say have an empty list or null here.
    if (name === undefined || isObject(fixes)) reader.malformed();
    return;
  }
  const key = keyOf(ecosystem, name);
  for (const [fixed, ids] of Object.entries(fixes)) {
    if (fixed === "0") continue;
    if (!Array.isArray(ids) || !apk.isValid(fixed)) reader.malformed();
    else for (const id of ids.flatMap(cvesIn)) reader.add(id, key, { introduced: "0", fixed });
  }
}

/** `CVE-2019-14697`, in older entries with more words behind it. */
function cvesIn(entry: unknown): string[] {
  return typeof entry === "string"
    ? entry
        .slice(0, 500)
        .split(/\s+/)
        .filter((word) => CVE_ID.test(word))
    : [];
}
