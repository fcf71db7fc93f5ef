import { canonicalJson } from "@flotilla/base/canonical-json";
import type { Finding, Report, Statement } from "../model.ts";
import { explain, packageLabel } from "../policy/reason.ts";
import { contentUuid } from "./identity.ts";
import { type FormatOptions, TOOL_NAME, TOOL_VERSION, wholeSeconds } from "./tool.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * The vulnerabilities of the report as OpenVEX 0.2.0: what waivers and foreign statements say of them, with their reasons; what nobody has
 * spoken of is `affected`, with the act that would mend it. The product of a statement is the package's URL.
 */
export function formatOpenVex(report: Report, options: FormatOptions): string {
  const body = {
    author: TOOL_NAME,
    role: "Scanner",
    timestamp: wholeSeconds(options.timestampMs),
    version: 1,
    tooling: `${TOOL_NAME} ${TOOL_VERSION}`,
    statements: report.findings.filter(({ kind }) => kind === "vulnerability").flatMap(toStatement),
  };
  const document = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": `urn:uuid:${contentUuid(canonicalJson(body))}`,
    ...body,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function toStatement(finding: Finding): Json[] {
  const { id, aliases, purl, statement } = finding;
  if (purl === undefined) return [];
  return [
    {
      vulnerability: { name: id, ...(aliases.length === 0 ? {} : { aliases }) },
      products: [{ "@id": purl }],
      ...(statement === undefined
        ? { status: "affected", action_statement: actionOf(finding) }
        : said(statement, finding)),
    },
  ];
}

function said(statement: Statement, finding: Finding): Json {
  const words = `${statement.reason} (${statement.by}, ${statement.document})`;
  switch (statement.status) {
    case "not-affected":
      return {
        status: "not_affected",
        ...(statement.justification === undefined ? {} : { justification: statement.justification }),
        impact_statement: words,
      };
    case "fixed":
      return { status: "fixed", status_notes: words };
    case "under-investigation":
      return { status: "under_investigation", status_notes: words };
    case "affected":
      return { status: "affected", action_statement: actionOf(finding), status_notes: words };
    case "accepted": {
      const until = statement.expires === undefined ? "" : ` until ${statement.expires}`;
      return { status: "affected", action_statement: `Accepted${until}: ${words}` };
    }
  }
}

function actionOf(finding: Finding): string {
  const { fixed, purl = "" } = finding;
  return fixed === undefined ? explain(finding) : `Upgrade ${packageLabel(purl)} to ${fixed} or later.`;
}
