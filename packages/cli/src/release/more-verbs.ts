import type { Command } from "commander";
import { note } from "../output.ts";
import { invocation } from "../session.ts";
import { diffReleases } from "./diff.ts";
import { type ExportOptions, exportRelease, showReleaseKey } from "./export.ts";
import { type ImportOptions, importRelease } from "./import.ts";
import { releasePath } from "./paths.ts";

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** The verbs of `flotilla release` beside create, list and show. */
export function addReleaseVerbs(release: Command): void {
  release
    .command("diff <app> <from> <to>")
    .description("what changes between two releases: compose, images, layers, packages, findings, bytes to download")
    .action((app: string, from: string, to: string, _options: unknown, command: Command) =>
      diffReleases(invocation(command), app, from, to),
    );
  release
    .command("delete <app> <release>")
    .description("delete a release that nothing runs or names; its images stay in their repositories")
    .action(async (app: string, name: string, _options: unknown, command: Command) => {
      const session = invocation(command).session();
      await session.client.delete(releasePath(session, app, name));
      note(`deleted ${app} ${name}`);
    });
  addTransferVerbs(release);
}

function addTransferVerbs(release: Command): void {
  release
    .command("export <app> <release>")
    .description("write a release with its images, SBOM and verdict into one signed file")
    .requiredOption("-o, --output <file>", "where to write it")
    .option(
      "--platform <platform>",
      "platform of the images, e.g. linux/arm64 (default: all of the release)",
      collect,
      [],
    )
    .action((app: string, name: string, options: ExportOptions, command: Command) =>
      exportRelease(invocation(command), app, name, options),
    );
  release
    .command("import <file>")
    .description("make the same release here, when its signature is trusted and this server's gate lets it")
    .option(
      "--key <key>",
      "public key of the exporting server, as a file or base64 (default: this server's own)",
      collect,
      [],
    )
    .action((file: string, options: ImportOptions, command: Command) =>
      importRelease(invocation(command), file, options),
    );
  release
    .command("key")
    .description("print the public key that this server signs exported releases with")
    .action((_options: unknown, command: Command) => showReleaseKey(invocation(command)));
}
