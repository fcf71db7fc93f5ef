// `npm run bench -- NAME [--json]` runs bench/NAME.ts, which measures us beside the named peers in one run. The last line of the output is
// one JSON object; with --json nothing else is printed. Without a name the benchmarks are listed.
import { existsSync, readdirSync } from "node:fs";

/** What a benchmark exports as `measure`. `say` prints what is going on for people. */
export type Measure = (say: (line: string) => void) => Promise<Readonly<Record<string, unknown>>>;

const FOLDER = new URL(".", import.meta.url);
const args = process.argv.slice(2);
const quiet = args.includes("--json");
const name = args.find((arg) => !arg.startsWith("--"));
process.exitCode = await main();

async function main(): Promise<number> {
  const names = readdirSync(FOLDER).flatMap((file) =>
    file.endsWith(".ts") && file !== "main.ts" ? [file.slice(0, -3)] : [],
  );
  if (name === undefined || !existsSync(new URL(`${name}.ts`, FOLDER)) || name === "main") {
    process.stderr.write(`usage: npm run bench -- NAME [--json]\nbenchmarks: ${names.join(", ")}\n`);
    return 2;
  }
  const { measure } = (await import(new URL(`${name}.ts`, FOLDER).href)) as { measure: Measure };
  const result = await measure(quiet ? () => {} : (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${JSON.stringify({ bench: name, ...result })}\n`);
  return 0;
}
