import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CodedError } from "@flotilla/base/errors";
import type { Finding, Report } from "@flotilla/guard/model";
import { readBaseline } from "@flotilla/guard/report/read";
import { readInput, refuseAsUsage } from "./said.ts";

const run = promisify(execFile);
const GIT_TIMEOUT_MS = 5 * 60_000;

/**
 * The findings that `--new-since` compares with: those of a JSON report, or of the target's folder as it was at a git revision, which is
 * unpacked to a temporary folder and scanned in the same way.
 */
export async function baselineOf(
  since: string,
  target: string,
  scanFolder: (target: string) => Promise<Report>,
): Promise<readonly Finding[]> {
  if (statSync(since, { throwIfNoEntry: false })?.isFile())
    return refuseAsUsage("baseline", () => readBaseline(readInput("baseline", since), since));
  const folder = target.replace(/^dir:/, "");
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new CodedError(
      "usage",
      `--new-since ${since}: there is no such file, and ${target} is no folder of a git repository`,
    );
  const unpacked = mkdtempSync(join(tmpdir(), "flotilla-baseline-"));
  try {
    await unpackRevision(folder, since, unpacked);
    return (await scanFolder(`dir:${join(unpacked, "tree")}`)).findings;
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}

/** The folder's part of the revision's tree: `git archive` in a folder holds that folder alone. */
async function unpackRevision(folder: string, revision: string, into: string): Promise<void> {
  const options = { timeout: GIT_TIMEOUT_MS };
  const archive = join(into, "tree.tar");
  const tree = join(into, "tree");
  try {
    const { stdout } = await run(
      "git",
      ["-C", folder, "rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`],
      options,
    );
    await run("git", ["-C", folder, "archive", "--format=tar", `--output=${archive}`, stdout.trim()], options);
    mkdirSync(tree);
    await run("tar", ["-xf", archive, "-C", tree], options);
  } catch (error) {
    throw new CodedError(
      "usage",
      `--new-since ${revision}: neither a report nor a revision of the git repository of ${folder}`,
      { cause: error },
    );
  }
}
