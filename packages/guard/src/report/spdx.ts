import { canonicalJson } from "@flotilla/base/canonical-json";
import { normaliseLicence } from "../licences/normalise.ts";
import type { Location, Package, Report } from "../model.ts";
import { contentUuid, hexHash } from "./identity.ts";
import { type FormatOptions, TOOL_NAME, TOOL_VERSION, wholeSeconds } from "./tool.ts";

type Json = Readonly<Record<string, unknown>>;

const DOCUMENT_ID = "SPDXRef-DOCUMENT";
const TARGET_ID = "SPDXRef-Target";
const MAX_ID_WORDS = 60;
const SHOWN_LOCATIONS = 20;

interface ExtractedLicence {
  readonly licenseId: string;
  readonly extractedText: string;
  readonly name: string;
}

/**
 * The packages of the report as an SPDX 2.3 document in JSON. Findings are no part of it; licences that are no SPDX expression become
 * `LicenseRef-`s with the declared text. The namespace is derived from the content.
 */
export function formatSpdx(report: Report, options: FormatOptions): string {
  const packages = [...report.packages].sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const extracted = new Map<string, ExtractedLicence>();
  const written = packages.map((item) => toPackage(item, extracted));
  const ids = written.map(({ SPDXID }) => SPDXID);
  const body = {
    packages: [targetPackage(report.target), ...written],
    relationships: [
      { spdxElementId: DOCUMENT_ID, relationshipType: "DESCRIBES", relatedSpdxElement: TARGET_ID },
      ...ids.map((id) => ({ spdxElementId: TARGET_ID, relationshipType: "CONTAINS", relatedSpdxElement: id })),
    ],
    ...(extracted.size === 0
      ? {}
      : { hasExtractedLicensingInfos: [...extracted.values()].sort((a, b) => (a.licenseId < b.licenseId ? -1 : 1)) }),
  };
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: DOCUMENT_ID,
    name: report.target || "unnamed",
    documentNamespace: `urn:uuid:${contentUuid(canonicalJson(body))}`,
    creationInfo: {
      created: wholeSeconds(options.timestampMs),
      creators: [`Tool: ${TOOL_NAME}-${TOOL_VERSION}`],
    },
    ...body,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function targetPackage(target: string): Json {
  return {
    SPDXID: TARGET_ID,
    name: target || "unnamed",
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    primaryPackagePurpose: /^(?:dir|sbom):/.test(target) ? "APPLICATION" : "CONTAINER",
  };
}

function toPackage(item: Package, extracted: Map<string, ExtractedLicence>): Json & { readonly SPDXID: string } {
  return {
    SPDXID: idOf(item),
    name: item.name,
    versionInfo: item.version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: declaredLicence(item.licence, extracted),
    copyrightText: "NOASSERTION",
    primaryPackagePurpose: "LIBRARY",
    sourceInfo: `${item.evidence} in ${item.locations.slice(0, SHOWN_LOCATIONS).map(describe).join(", ")}`,
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: item.purl }],
  };
}

function describe({ path, layer }: Location): string {
  return layer === undefined ? path : `${path} (layer ${layer})`;
}

/** Letters, digits, dots and dashes are all that an SPDX id may hold; the hash keeps different packages apart. */
function idOf({ ecosystem, name, purl }: Package): string {
  const words = `${ecosystem}-${name}`.replace(/[^A-Za-z0-9.-]+/g, "-").slice(0, MAX_ID_WORDS);
  return `SPDXRef-Package-${words}-${hexHash(purl).slice(0, 16)}`;
}

function declaredLicence(declared: string | undefined, extracted: Map<string, ExtractedLicence>): string {
  const text = declared?.trim() ?? "";
  if (text === "") return "NOASSERTION";
  const expression = normaliseLicence(text);
  if (expression !== undefined) return expression;
  const licenseId = `LicenseRef-declared-${hexHash(text).slice(0, 16)}`;
  extracted.set(licenseId, { licenseId, extractedText: text, name: text.slice(0, 100) });
  return licenseId;
}
