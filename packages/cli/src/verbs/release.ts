import { systemClock } from "@flotilla/base/clock";
import { shortDigest } from "@flotilla/base/digest";
import { formatBytes } from "@flotilla/base/units";
import { ReleaseDetail, ReleaseSummary } from "@flotilla/protocol/api/releases";
import { Command, Option } from "commander";
import { ago, print, printJson, printTable, tint } from "../output.ts";
import { type CreateOptions, createRelease } from "../release/create.ts";
import { addReleaseVerbs } from "../release/more-verbs.ts";
import { releasePath, releasesPath } from "../release/paths.ts";
import { printWarnings } from "../release/report.ts";
import { type Invocation, invocation } from "../session.ts";

const EXAMPLES = `
Examples:
  $ flotilla release create -f compose.yaml                        make a release, if the guard lets it
  $ flotilla release create -f compose.yaml --app shop --env-file prod.env
  $ flotilla release create --platform linux/arm64 --platform linux/amd64
  $ flotilla release create --policy preview                       what would the policy say? makes nothing
  $ flotilla release list shop
  $ flotilla release show shop r3
  $ flotilla release diff shop r2 r3                               what changes, and what devices download
  $ flotilla release export shop r3 -o shop.tar --platform linux/arm64
  $ flotilla release import shop.tar --key KEY                     KEY: flotilla release key, on the server that made the file
  $ flotilla release delete shop r2                                when nothing runs or names it

Images without a host are in the server's own registry; others are copied there by digest, with the credentials of docker login.
\${NAME} is fixed in the release from the environment or an --env-file. Names under "x-flotilla: variables:", and environment keys without
a value, are left for each device.

Exit codes: 0 made, 1 blocked by policy, 2 wrong usage or problems in the compose file, 3 failed.`;

export function releaseCommand(): Command {
  const release = new Command("release")
    .description("Make releases of compose applications, and look at them.")
    .addHelpText("after", EXAMPLES);
  release
    .command("create")
    .description("copy the images of a compose file into the registry and make a release of it")
    .option("-f, --file <path>", "compose file; later ones are merged over earlier ones", collect, [])
    .option("--app <name>", "name of the app (default: name: of the compose file)")
    .option(
      "--env-file <path>",
      "file with values for names in the compose file (default: .env beside it)",
      collect,
      [],
    )
    .option("--profile <name>", "take in the services of this profile too; '*' for all", collect, [])
    .option(
      "--platform <platform>",
      "platform to release for, e.g. linux/arm64 (default: all of each image)",
      collect,
      [],
    )
    .addOption(
      new Option("--policy <mode>", "enforce, or preview: tell what the policy says and make nothing")
        .choices(["enforce", "preview"])
        .default("enforce"),
    )
    .action((options: CreateOptions, command: Command) => createRelease(invocation(command), options));
  release
    .command("list <app>")
    .description("list the releases of an app, newest first")
    .action((app: string, _options: unknown, command: Command) => list(invocation(command), app));
  release
    .command("show <app> <release>")
    .description("show one release by tag or digest: images, platforms, variables, warnings")
    .action((app: string, name: string, _options: unknown, command: Command) => show(invocation(command), app, name));
  addReleaseVerbs(release);
  return release;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

async function list(run: Invocation, app: string): Promise<void> {
  const session = run.session();
  const releases: ReleaseSummary[] = [];
  for await (const release of session.client.items(releasesPath(session, app), ReleaseSummary)) releases.push(release);
  if (run.json) return printJson(releases);
  const now = systemClock.now();
  const rows = releases.map((release) => [
    release.tag,
    shortDigest(release.digest),
    verdict(release.outcome),
    ago(release.createdAt, now),
    release.createdBy,
  ]);
  printTable(
    ["TAG", "DIGEST", "VERDICT", "MADE", "BY"],
    rows,
    "No releases. Make one: flotilla release create -f compose.yaml",
  );
}

async function show(run: Invocation, app: string, name: string): Promise<void> {
  const session = run.session();
  const release = await session.client.get(releasePath(session, app, name), ReleaseDetail);
  if (run.json) return printJson(release);
  print(
    `${release.app} ${release.tag}  ${verdict(release.outcome)}  made ${release.createdAt} by ${release.createdBy}`,
  );
  print(release.digest);
  print();
  printTable(["IMAGE", "PLATFORM", "CONFIG", "SIZE"], imageRows(release), "no images");
  const provenance = provenanceRows(release);
  if (provenance.length > 0) {
    print();
    printTable(["IMAGE", "SAYS", "VALUE"], provenance, "");
  }
  const variables = Object.entries(release.variables);
  if (variables.length > 0) {
    print();
    const rows = variables.map(([variable, { default: value, description }]) => [
      variable,
      value ?? "(required)",
      description,
    ]);
    printTable(["VARIABLE", "DEFAULT", "DESCRIPTION"], rows, "");
  }
  printWarnings(release.gate);
}

function imageRows({ document }: ReleaseDetail): readonly (readonly string[])[] {
  return Object.values(document.images).flatMap((image) =>
    image.platforms.map((platform) => [
      image.reference,
      [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join("/"),
      shortDigest(platform.config),
      formatBytes(platform.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0)),
    ]),
  );
}

/** Where images say they come from. */
function provenanceRows({ document }: ReleaseDetail): readonly (readonly string[])[] {
  return Object.values(document.images).flatMap(({ reference, provenance = {} }) =>
    Object.entries(provenance).map(([key, value]) => [reference, key, value]),
  );
}

function verdict(outcome: ReleaseSummary["outcome"]): string {
  return tint(outcome === "pass" ? "good" : "warn", outcome);
}
