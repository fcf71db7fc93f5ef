import { systemClock } from "@flotilla/base/clock";
import { formatBytes } from "@flotilla/base/units";
import { Command } from "commander";
import { note, print, printJson, startProgress } from "../output.ts";
import { invocation } from "../session.ts";

const EXAMPLES = `
The server may run meanwhile. A folder that holds an earlier backup gets only what is new, and stays whole until the new backup is.

The key that encrypts secrets and the keys that devices know the server by are not in the backup. Write them to a file of their own with --with-keys,
once, and keep it elsewhere: without it a restored server makes new keys, secret variables cannot be read, and devices must be enrolled again.

Examples:
  $ flotilla backup --data /var/lib/flotilla --to /mnt/backup/flotilla
  $ flotilla backup --data /var/lib/flotilla --to /mnt/backup/flotilla --with-keys /mnt/safe/flotilla-keys.json
  $ flotilla restore --from /mnt/backup/flotilla --keys /mnt/safe/flotilla-keys.json --data /var/lib/flotilla`;

interface BackupFlags {
  readonly data: string;
  readonly to: string;
  readonly withKeys?: string;
  readonly copy?: boolean;
}

/** `flotilla backup`: a copy of a data folder, while the server runs. */
export function backupCommand(): Command {
  return new Command("backup")
    .description("Copy a server's database and registry into a folder, while it runs.")
    .requiredOption("--data <dir>", "data folder of the server")
    .requiredOption("--to <dir>", "a new folder, or that of an earlier backup")
    .option("--with-keys <file>", "write the server's keys, which are secrets, into this new file (mode 0600)")
    .option("--copy", "copy blobs also where hard links would do (same disk)")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: BackupFlags, command: Command) => {
      const run = invocation(command);
      // Only the verbs that work on a data folder load the server.
      const { backUp } = await import("@flotilla/server/backup/backup");
      const progress = process.stderr.isTTY ? startProgress() : undefined;
      const backup = await backUp({
        dataDir: flags.data,
        to: flags.to,
        clock: systemClock,
        ...(flags.withKeys === undefined ? {} : { keysFile: flags.withKeys }),
        ...(flags.copy === undefined ? {} : { copy: flags.copy }),
        onProgress: (done, total) => progress?.update("blobs", `${done} of ${total}`),
      }).finally(() => progress?.done());
      if (run.json) return printJson(backup);
      print(
        `${flags.to}: ${backup.events.count} events, ${backup.blobs.count} blobs of ${formatBytes(backup.blobs.bytes)}, ` +
          `${backup.addedBlobs} new of ${formatBytes(backup.addedBytes)}`,
      );
      if (flags.withKeys === undefined)
        note("The server's keys are not in it: write them elsewhere with --with-keys FILE");
    });
}
