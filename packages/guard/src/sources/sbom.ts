import { readFileSync, statSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import { isObject, type JsonObject, parseJsonObject, textOf } from "../json.ts";
import type { Inventory, Package } from "../model.ts";
import { packageOfPurl } from "./sbom-package.ts";
import type { Source } from "./source.ts";

const MAX_SBOM_BYTES = 256 * 1024 * 1024;
const MAX_COMPONENTS = 500_000;

/** A CycloneDX document in JSON. */
export function openSbom(path: string): Source {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new CodedError("target-not-found", `${path}: there is no such file`);
  if (stat.size > MAX_SBOM_BYTES) throw new CodedError("sbom-invalid", `${path}: larger than ${MAX_SBOM_BYTES} bytes`);
  const inventory = readCycloneDx(readFileSync(path), path);
  return { name: path, sizeBytes: stat.size, parts: 1, inventory: async () => inventory };
}

/** What a CycloneDX document lists; throws `CodedError("sbom-invalid")`. What it lists and we do not know is a problem. */
export function readCycloneDx(bytes: Buffer, path: string): Inventory {
  const parsed = parseJsonObject(bytes);
  if (parsed.kind === "bad") throw new CodedError("sbom-invalid", `${path}: ${parsed.reason}`);
  if (parsed.value["bomFormat"] !== "CycloneDX")
    throw new CodedError("sbom-invalid", `${path}: not a CycloneDX document (bomFormat is missing)`);
  const packages = new Map<string, Package>();
  const unknown = new Map<string, number>();
  for (const component of componentsOf(parsed.value)) {
    const purl = textOf(component["purl"], 4096);
    const found = purl === undefined ? undefined : packageOfPurl(purl, component, path);
    if (typeof found === "object") packages.set(found.purl, found);
    else if (found !== undefined) unknown.set(found, (unknown.get(found) ?? 0) + 1);
  }
  const problems = [...unknown].map(([what, count]) => ({ path, reason: `not-covered: ${count} components: ${what}` }));
  return { packages: [...packages.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)), secrets: [], problems };
}

/** Components at any depth; the depth is bounded by the JSON reader. */
function* componentsOf(document: JsonObject): Generator<JsonObject> {
  const pending: unknown[] = [document["components"]];
  let count = 0;
  for (let list = pending.pop(); pending.length > 0 || list !== undefined; list = pending.pop()) {
    if (!Array.isArray(list)) continue;
    for (const component of list) {
      if (!isObject(component) || ++count > MAX_COMPONENTS) continue;
      yield component;
      if (component["components"] !== undefined) pending.push(component["components"]);
    }
  }
}
