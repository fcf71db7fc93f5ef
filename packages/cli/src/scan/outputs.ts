import { writeFileSync } from "node:fs";
import { CodedError, messageOf } from "@flotilla/base/errors";
import type { Report } from "@flotilla/guard/model";
import { REPORT_FORMATS } from "@flotilla/guard/report/formats";
import { note } from "../output.ts";

/** One report to write; without a file it goes to standard output. */
export interface ReportOutput {
  readonly format: string;
  readonly file?: string;
}

/**
 * Each `--format` with the `-o` of the same place: `--format json -o a.json --format sarif -o a.sarif`. One format may be left over and goes
 * to standard output. Throws `usage` when the numbers do not fit.
 */
export function pairOutputs(
  formats: readonly string[],
  files: readonly string[],
  otherwise: string,
): readonly ReportOutput[] {
  const wanted = formats.length === 0 ? [otherwise] : formats;
  if (files.length > wanted.length)
    throw new CodedError("usage", `${files.length} files (-o) for ${wanted.length} formats: give each its --format`);
  if (wanted.length > files.length + 1)
    throw new CodedError("usage", "only one format can go to standard output: give the others a file (-o)");
  return wanted.map((format, index) => {
    const file = files[index];
    return file === undefined ? { format } : { format, file };
  });
}

/** Writes the report in every wanted form. */
export function writeReports(report: Report, outputs: readonly ReportOutput[], timestampMs: number): void {
  for (const { format, file } of outputs) {
    const colour = file === undefined && process.stdout.isTTY === true && process.stdout.hasColors();
    const text = REPORT_FORMATS[format]?.(report, { colour, timestampMs }) ?? "";
    if (file === undefined) process.stdout.write(text);
    else writeReport(file, text, report);
  }
}

function writeReport(file: string, text: string, report: Report): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CodedError("output-unwritable", `cannot write the report: ${messageOf(error)}`, { cause: error });
  }
  note(`${report.verdict.outcome}: ${report.findings.length} findings, written to ${file}`);
}
