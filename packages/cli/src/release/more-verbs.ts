import type { Command } from "commander";
import { note } from "../output.ts";
import { invocation } from "../session.ts";
import { diffReleases } from "./diff.ts";
import { releasePath } from "./paths.ts";

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
}
