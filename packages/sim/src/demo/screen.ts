import { stripVTControlCharacters, styleText } from "node:util";

/** Where the story is told: colours and a moving line on a terminal, plain lines in a pipe. */
export interface Screen {
  readonly interactive: boolean;
  title(text: string): void;
  /** Begins the next numbered act. */
  act(heading: string): void;
  say(line: string, tone?: Tone): void;
  /** What another program printed, set off by a bar. */
  quote(lines: readonly string[]): void;
  /** A command that a person could type. */
  command(line: string): void;
  /** Shows how far something is, in place; in a pipe only what differs from the line before. */
  progress(line: string): void;
}

export type Tone = "good" | "bad" | "warn" | "dim" | "strong";

export interface ScreenOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly colours: boolean;
}

const STYLES = { good: "green", bad: "red", warn: "yellow", dim: "dim", strong: "bold" } as const;
const INDENT = "     ";

export function createScreen({ write, isTerminal, colours }: ScreenOptions): Screen {
  let act = 0;
  let moving = "";
  const tint = (tone: Tone | undefined, text: string) =>
    tone === undefined || !colours ? text : styleText(STYLES[tone], text, { validateStream: false });
  const line = (text: string) => {
    // What a moving line said last stays.
    if (moving !== "" && isTerminal) write("\n");
    moving = "";
    write(`${text}\n`);
  };
  return {
    interactive: isTerminal,
    title: (text) => line(`\n${tint("strong", text)}`),
    act(heading) {
      act++;
      line(`\n${String(act).padStart(3)}  ${tint("strong", heading)}`);
    },
    say: (text, tone) => line(`${INDENT}${tint(tone, text)}`),
    quote(lines) {
      for (const text of lines)
        line(`${INDENT}${tint("dim", "│")} ${colours ? text : stripVTControlCharacters(text)}`.trimEnd());
    },
    command: (text) => line(`${INDENT}${tint("dim", "$")} ${tint("strong", text)}`),
    progress(text) {
      if (text === moving) return;
      if (isTerminal) write(`\r\x1b[2K${INDENT}${text}`);
      else write(`${INDENT}${text}\n`);
      moving = text;
    },
  };
}

/** `████████░░░░` */
export function bar(done: number, total: number, width = 24): string {
  const filled = total === 0 ? 0 : Math.round((done / total) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}
