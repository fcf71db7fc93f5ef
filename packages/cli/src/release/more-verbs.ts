import type { Command } from "commander";
import { invocation } from "../session.ts";
import { diffReleases } from "./diff.ts";

/** The verbs of `flotilla release` beside create, list and show. */
export function addReleaseVerbs(release: Command): void {
  release
    .command("diff <app> <from> <to>")
    .description("what changes between two releases: compose, images, layers, packages, findings, bytes to download")
    .action((app: string, from: string, to: string, _options: unknown, command: Command) =>
      diffReleases(invocation(command), app, from, to),
    );
}
