// Everything the command prints goes through here: tables on a terminal, plain lines in a pipe, JSON with --json. Results go to standard
// output, progress and notes to standard error.
import { stripVTControlCharacters, styleText } from "node:util";

export type Cell = string | number | undefined;
export type Tone = "good" | "bad" | "warn" | "dim" | "strong";

const TONES: Readonly<Record<Tone, Parameters<typeof styleText>[0]>> = {
  good: "green",
  bad: "red",
  warn: "yellow",
  dim: "dim",
  strong: "bold",
};
const COLUMN_GAP = "  ";

/** Colours `text` when standard output is a terminal that takes colours (NO_COLOR and FORCE_COLOR are honoured). */
export function tint(tone: Tone, text: string): string {
  return styleText(TONES[tone], text, { stream: process.stdout });
}

export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** A note beside the result: standard error. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Rows under a heading, columns aligned; `empty` is said instead when there is no row. */
export function printTable(heading: readonly string[], rows: readonly (readonly Cell[])[], empty: string): void {
  if (rows.length === 0) {
    note(empty);
    return;
  }
  const [head = "", ...lines] = formatTable(heading, rows);
  print(process.stdout.isTTY ? tint("dim", head) : head);
  for (const line of lines) print(line);
}

/** The lines of a table, heading first. */
export function formatTable(heading: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const texts = rows.map((row) => row.map((cell) => printable(cell === undefined ? "-" : String(cell))));
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => width(row[column] ?? ""))),
  );
  return [heading, ...texts].map((row) => align(row, widths));
}

function align(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((text, column) => text + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(text))))
    .join(COLUMN_GAP)
    .trimEnd();
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** Names come from devices and files: control characters other than our own colours never reach the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\u0000-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[[0-9;]*m)/g, "?");
}

/** One line on standard error that is rewritten on a terminal; in a pipe only its changes of `step` are printed. */
export interface Progress {
  update(step: string, detail?: string): void;
  done(line?: string): void;
}

export function startProgress(): Progress {
  const live = process.stderr.isTTY === true;
  let last = "";
  return {
    update(step, detail = "") {
      if (live)
        process.stderr.write(
          `\r\u001b[K${step}${detail === "" ? "" : ` ${detail}`}`.slice(0, (process.stderr.columns ?? 80) + 4),
        );
      else if (step !== last) process.stderr.write(`${step}\n`);
      last = step;
    },
    done(line) {
      if (live) process.stderr.write("\r\u001b[K");
      if (line !== undefined) process.stderr.write(`${line}\n`);
    },
  };
}

/** `3 min ago` for an RFC 3339 instant. */
export function ago(instant: string | null | undefined, nowMs: number): string {
  if (instant === undefined || instant === null) return "never";
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(instant)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
