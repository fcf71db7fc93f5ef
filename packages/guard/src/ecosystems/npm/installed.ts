import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import { type Extraction, NOTHING, type WholeFile, type WholeFileExtractor } from "../ecosystem.ts";
import { isPackageName, npmPurl } from "./purl.ts";

const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** `node_modules/name/package.json` or `node_modules/@scope/name/package.json` at the end of a path. */
const INSTALLED = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$/;

/** Packages that are really there: `package.json` of a folder right below `node_modules`. */
export const installedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "npm-installed",
  maxBytes: MAX_MANIFEST_BYTES,
  wants: (path) => path.endsWith("/package.json") && INSTALLED.test(path),
  read: readManifest,
};

function readManifest(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const name = textOf(parsed.value["name"]);
  const version = textOf(parsed.value["version"]);
  // A folder without both is a part of a package (a dual-module marker, say), not a package.
  if (name === undefined || version === undefined) return NOTHING;
  if (!isPackageName(name))
    return { packages: [], problems: [`malformed: package name ${JSON.stringify(name.slice(0, 80))}`] };
  const licence = licenceOf(parsed.value);
  return {
    packages: [
      {
        purl: npmPurl(name, version),
        name,
        version,
        evidence: "installed",
        ...(licence === undefined ? {} : { licence }),
      },
    ],
    problems: [],
  };
}

function licenceOf(manifest: JsonObject): string | undefined {
  const licence = manifest["license"] ?? manifest["licenses"];
  if (typeof licence === "string") return textOf(licence, 256);
  if (isObject(licence)) return textOf(licence["type"], 256);
  if (!Array.isArray(licence)) return undefined;
  const types = licence
    .slice(0, 8)
    .map((item: unknown) => (isObject(item) ? textOf(item["type"], 64) : textOf(item, 64)));
  const known = types.filter((type) => type !== undefined);
  return known.length === 0 ? undefined : known.join(" OR ");
}
