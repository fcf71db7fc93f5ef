import { isCoded, messageOf } from "@flotilla/base/errors";
import { Command, CommanderError } from "commander";
import { Ended, EXIT, exitCodeOf } from "./exit-codes.ts";
import { note } from "./output.ts";
import { verbs } from "./verbs/index.ts";

const EPILOGUE = `
Exit codes: 0 done or passed, 1 blocked by policy, 2 wrong usage, 3 failed.

Examples:
  $ flotilla serve --data ./data --listen 127.0.0.1:8080      start a server here
  $ flotilla login http://127.0.0.1:8080 --code CODE          sign in with a one-time code
  $ flotilla scan .                                           what is in this folder, and does it pass?
  $ flotilla release create -f compose.yaml                   make a release, if the guard lets it
  $ flotilla rollout create shop r3 --phases 1,10%,100%       bring it to the fleet
  $ flotilla device list                                      see what really runs`;

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.failed),
);
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof Ended) return error.exitCode;
    note(isCoded(error) ? `flotilla: ${error.message} [${error.code}]` : `flotilla: ${messageOf(error)}`);
    if (!isCoded(error) && error instanceof Error && !("code" in error)) note(error.stack ?? "");
    return exitCodeOf(error);
  }
}

function createProgram(): Command {
  const program = new Command("flotilla")
    .description("Ships Docker applications to fleets of small devices, with a software supply-chain guard on board.")
    .version("0.1.0")
    .option("--json", "print the result as JSON")
    .option("--server <url>", "the server (default: FLOTILLA_SERVER, else the last login)")
    .option("--project <name>", "the project (default: FLOTILLA_PROJECT, else `default`)")
    .addHelpText("after", EPILOGUE);
  for (const verb of verbs()) program.addCommand(verb);
  throwInsteadOfExiting(program);
  return program;
}

function throwInsteadOfExiting(command: Command): void {
  command.exitOverride().showHelpAfterError("(add --help for the options and examples)");
  for (const child of command.commands) throwInsteadOfExiting(child);
}
