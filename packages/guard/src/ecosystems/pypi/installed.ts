import { parseHeaders } from "../../headers.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { isDistributionName, normaliseName, pypiPurl } from "./purl.ts";

const MAX_METADATA_BYTES = 8 * 1024 * 1024;
/** The fields stand before the description; no real head is longer. */
const MAX_HEAD_BYTES = 256 * 1024;

/** Installed distributions: wheels (`*.dist-info/METADATA`), eggs (`*.egg-info/PKG-INFO`, `EGG-INFO/PKG-INFO`, a plain `*.egg-info` file). */
export const installedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "pypi-installed",
  maxBytes: MAX_METADATA_BYTES,
  wants: (path) =>
    path.endsWith(".dist-info/METADATA") ||
    path.endsWith(".egg-info/PKG-INFO") ||
    path.endsWith("EGG-INFO/PKG-INFO") ||
    path.endsWith(".egg-info"),
  read: readMetadata,
};

function readMetadata(file: WholeFile): Extraction {
  const fields = parseHeaders(headOf(file.bytes));
  const name = fields.get("name");
  const version = fields.get("version");
  if (name === undefined || version === undefined || version === "" || version.length > 200)
    return { packages: [], problems: ["malformed: metadata without name or version"] };
  if (!isDistributionName(name))
    return { packages: [], problems: [`malformed: distribution name ${JSON.stringify(name.slice(0, 80))}`] };
  const normalised = normaliseName(name);
  const licence = licenceOf(fields.get("license-expression") ?? fields.get("license"));
  return {
    packages: [
      {
        purl: pypiPurl(normalised, version),
        name: normalised,
        version,
        evidence: "installed",
        ...(licence === undefined ? {} : { licence }),
      },
    ],
    problems: [],
  };
}

/** Text up to the first empty line, where the description begins. */
function headOf(bytes: Buffer): string {
  const text = bytes.toString("utf8", bytes[0] === 0xef ? 3 : 0, MAX_HEAD_BYTES).replaceAll("\r\n", "\n");
  const end = text.indexOf("\n\n");
  return end < 0 ? text : text.slice(0, end);
}

function licenceOf(text: string | undefined): string | undefined {
  return text === undefined || text === "" || text === "UNKNOWN" || text.length > 256 ? undefined : text;
}
