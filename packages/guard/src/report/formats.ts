import type { Report } from "../model.ts";
import { formatCycloneDx } from "./cyclonedx.ts";
import { formatGitLab } from "./gitlab.ts";
import { formatHtml } from "./html.ts";
import { formatJson } from "./json.ts";
import { formatJunit } from "./junit.ts";
import { formatOpenVex } from "./openvex.ts";
import { formatSarif } from "./sarif.ts";
import { formatSpdx } from "./spdx.ts";
import { formatTable } from "./table.ts";
import type { FormatOptions } from "./tool.ts";

export interface ReportOptions extends FormatOptions {
  /** Whether to colour the table, as on a terminal. */
  readonly colour: boolean;
}

/** Every form of a report by the name that `--format` takes. The same report and options give the same bytes. */
export const REPORT_FORMATS: Readonly<Record<string, (report: Report, options: ReportOptions) => string>> = {
  table: (report, { colour, timestampMs }) => formatTable(report, { colour, nowMs: timestampMs }),
  json: formatJson,
  sarif: formatSarif,
  cyclonedx: formatCycloneDx,
  spdx: formatSpdx,
  openvex: formatOpenVex,
  html: formatHtml,
  junit: formatJunit,
  "gitlab-dependency": (report, options) => formatGitLab(report, "dependency_scanning", options),
  "gitlab-container": (report, options) => formatGitLab(report, "container_scanning", options),
  "gitlab-secret": (report, options) => formatGitLab(report, "secret_detection", options),
};
