import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Target } from "./targets.ts";

const run = promisify(execFile);

export interface CompileOptions {
  readonly target: Target;
  /** Bun of the machine that builds. */
  readonly compiler: string;
  /** Bun of the target: what the program is put into. */
  readonly runtime: string;
  readonly entry: string;
  readonly output: string;
}

/** Makes one executable of the agent and its runtime. Nothing is read from the folder it is started in: no .env, no bunfig. */
export async function compile({ target, compiler, runtime, entry, output }: CompileOptions): Promise<void> {
  await run(compiler, [
    "build",
    "--compile",
    "--minify",
    `--target=${target.bunTarget}`,
    `--compile-executable-path=${runtime}`,
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--compile-exec-argv=--smol",
    entry,
    "--outfile",
    output,
  ]);
}
