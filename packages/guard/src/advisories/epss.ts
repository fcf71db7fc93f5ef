import { gunzipSync } from "node:zlib";

const MAX_CSV_BYTES = 128 * 2 ** 20;
const MAX_ROWS = 2_000_000;

/** How probable it is that a CVE is exploited in the next 30 days, by the model of FIRST (EPSS), from 0 to 1. */
export interface EpssScores {
  readonly scores: ReadonlyMap<string, number>;
  /** When the scores were computed; undefined where the file does not say. */
  readonly asOfMs?: number;
  readonly malformed: number;
}

export type EpssReading =
  | { readonly kind: "scores"; readonly value: EpssScores }
  | { readonly kind: "problem"; readonly reason: string };

/** Whether the file at `path` is named as one of the scores. */
export function isEpssFile(path: string): boolean {
  return /\.csv(?:\.gz)?$/.test(path);
}

/** The daily file of scores, gzipped or not: `#model_version:…,score_date:…`, `cve,epss,percentile`, then one CVE a line. */
export function readEpss(bytes: Buffer): EpssReading {
  const text = textOf(bytes);
  if (text === undefined) return { kind: "problem", reason: "damaged: gzip, or it unpacks to more than is read" };
  const lines = text.split(/\r?\n/);
  const header = lines.findIndex((line) => line.startsWith("cve,epss"));
  if (header < 0 || header > 5) return { kind: "problem", reason: "malformed: CSV without the columns cve and epss" };
  if (lines.length > MAX_ROWS) return { kind: "problem", reason: `too-large: more than ${MAX_ROWS} rows` };
  const scores = new Map<string, number>();
  let malformed = 0;
  for (const line of lines.slice(header + 1)) {
    const match = /^(CVE-\d{4}-\d{4,12}),([01](?:\.\d{1,20})?(?:e-\d{1,2})?)(?:,|$)/.exec(line);
    const score = Number(match?.[2]);
    if (match?.[1] !== undefined && score >= 0 && score <= 1) scores.set(match[1], score);
    else if (line !== "") malformed++;
  }
  const asOfMs = dateIn(lines.slice(0, header).join(","));
  return { kind: "scores", value: { scores, malformed, ...(asOfMs === undefined ? {} : { asOfMs }) } };
}

function dateIn(comment: string): number | undefined {
  const ms = Date.parse(/score_date:([^,\s]{1,40})/.exec(comment)?.[1]?.replace(/\+0000$/, "Z") ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

function textOf(bytes: Buffer): string | undefined {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_CSV_BYTES }).toString("utf8");
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
