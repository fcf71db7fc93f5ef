import { systemClock } from "@flotilla/base/clock";
import { shortDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { AppSummary, ReleaseList } from "@flotilla/protocol/api/releases";
import { Command } from "commander";
import { ago, print, printJson, printTable } from "../output.ts";
import { type Invocation, invocation, type Session } from "../session.ts";

/** Releases shown with an app. */
const SHOWN_RELEASES = 10;

const EXAMPLES = `
Examples:
  $ flotilla app list
  $ flotilla app show shop

An app begins with its first release: flotilla release create -f compose.yaml`;

export function appCommand(): Command {
  const app = new Command("app").description("The apps of the project.").addHelpText("after", EXAMPLES);
  app
    .command("list")
    .description("list apps with their newest release")
    .action((_options: unknown, command: Command) => list(invocation(command)));
  app
    .command("show <app>")
    .description("show an app and its newest releases")
    .action((name: string, _options: unknown, command: Command) => show(invocation(command), name));
  return app;
}

async function list(run: Invocation): Promise<void> {
  const session = run.session();
  const apps = await allApps(session);
  if (run.json) return printJson(apps);
  const now = systemClock.now();
  const rows = apps.map((app) => [app.name, app.releases, app.latest?.tag, ago(app.latest?.createdAt, now)]);
  printTable(["APP", "RELEASES", "NEWEST", "MADE"], rows, "No apps. Make one: flotilla release create -f compose.yaml");
}

async function allApps(session: Session): Promise<readonly AppSummary[]> {
  const apps: AppSummary[] = [];
  for await (const app of session.client.items(appsPath(session), AppSummary)) apps.push(app);
  return apps;
}

async function show(run: Invocation, name: string): Promise<void> {
  const session = run.session();
  const app = (await allApps(session)).find((candidate) => candidate.name === name);
  if (app === undefined) throw new CodedError("not-found", `there is no app ${name} in the project ${session.project}`);
  const path = `${appsPath(session)}/${encodeURIComponent(name)}/releases`;
  const { items } = await session.client.get(path, ReleaseList, { query: { limit: SHOWN_RELEASES } });
  if (run.json) return printJson({ ...app, newest: items });
  print(`${app.name}  ${app.releases} release${app.releases === 1 ? "" : "s"}  repository ${app.repository}`);
  const now = systemClock.now();
  const rows = items.map((release) => [
    release.tag,
    shortDigest(release.digest),
    release.outcome,
    ago(release.createdAt, now),
  ]);
  printTable(["TAG", "DIGEST", "VERDICT", "MADE"], rows, "No releases.");
}

function appsPath({ project }: Session): string {
  return `/api/v1/projects/${encodeURIComponent(project)}/apps`;
}
