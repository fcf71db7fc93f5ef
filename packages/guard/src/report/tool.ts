/** How reports name what wrote them. */
export const TOOL_NAME = "flotilla";
export const TOOL_VERSION = "0.1.0";

/** What a format may need beside the report. Times are parameters, so that the same report gives the same bytes. */
export interface FormatOptions {
  /** Milliseconds since the epoch: `SOURCE_DATE_EPOCH` for what is to be repeated, else now. */
  readonly timestampMs: number;
}

/** `2026-01-01T00:00:00Z`: RFC 3339 in whole seconds. */
export function wholeSeconds(timestampMs: number): string {
  return `${new Date(timestampMs).toISOString().slice(0, 19)}Z`;
}
