import { systemClock } from "@flotilla/base/clock";
import { formatBytes } from "@flotilla/base/units";
import { Command } from "commander";
import { note, print, printJson, startProgress } from "../output.ts";
import { invocation } from "../session.ts";

const EXAMPLES = `
Every blob, the database and its chain of events are checked; the data folder appears whole or not at all.

Examples:
  $ flotilla restore --from /mnt/backup/flotilla --keys /mnt/safe/flotilla-keys.json --data /var/lib/flotilla
  $ flotilla serve --data /var/lib/flotilla`;

interface RestoreFlags {
  readonly from: string;
  readonly data: string;
  readonly keys?: string;
}

/** `flotilla restore`: a data folder out of a backup. */
export function restoreCommand(): Command {
  return new Command("restore")
    .description("Make a server's data folder of a backup, after checking all of it.")
    .requiredOption("--from <dir>", "folder of the backup")
    .requiredOption("--data <dir>", "data folder to make: not there, or empty")
    .option("--keys <file>", "keys that `flotilla backup --with-keys` wrote")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: RestoreFlags, command: Command) => {
      const run = invocation(command);
      // Only the verbs that work on a data folder load the server.
      const { restore } = await import("@flotilla/server/backup/restore");
      const progress = process.stderr.isTTY ? startProgress() : undefined;
      const backup = await restore({
        from: flags.from,
        dataDir: flags.data,
        clock: systemClock,
        ...(flags.keys === undefined ? {} : { keysFile: flags.keys }),
        onProgress: (done, total) => progress?.update("blobs", `${done} of ${total}`),
      }).finally(() => progress?.done());
      if (run.json) return printJson(backup);
      print(
        `${flags.data}: as of ${backup.createdAt}, ${backup.events.count} events (chain intact), ` +
          `${backup.blobs.count} blobs of ${formatBytes(backup.blobs.bytes)} (digests checked)`,
      );
      if (flags.keys === undefined)
        note("Without --keys the server makes new keys: secret variables cannot be read, and devices must enrol again");
    });
}
