import type { Report } from "../model.ts";

/** The report as scripts read it: exactly the {@link Report}, members in a fixed order, one line break at the end. */
export function formatJson(report: Report): string {
  const { target, packages, findings, problems, sources, verdict, notCovered } = report;
  return `${JSON.stringify({ target, packages, findings, problems, sources, verdict, notCovered }, null, 2)}\n`;
}
