import { systemClock } from "@flotilla/base/clock";
import { AuditVerification, Event } from "@flotilla/protocol/api/audit";
import { Command } from "commander";
import { Ended, EXIT } from "../exit-codes.ts";
import { print, printable, printJson, tint } from "../output.ts";
import { type Invocation, invocation } from "../session.ts";

const VERIFY_TIMEOUT_MS = 600_000;

const EXAMPLES = `
Examples:
  $ flotilla audit log --limit 20               what happened last, newest first
  $ flotilla audit log --subject device/ID      what happened to one device
  $ flotilla audit follow                       what happens, as it happens
  $ flotilla audit verify                       does the chain of hashes hold?
  $ flotilla audit verify --data DIR            the same on a data folder or a copy of it, without a server`;

export function auditCommand(): Command {
  const audit = new Command("audit")
    .description("Who did what, to what, when; and proof that nothing was changed.")
    .addHelpText("after", EXAMPLES);
  audit
    .command("log")
    .description("print events, newest first")
    .option("--limit <count>", "how many", "50")
    .option("--subject <subject>", "only those of one thing: device/ID, rollout/ID, release/DIGEST, app/NAME")
    .action((options: { limit: string; subject?: string }, command: Command) => log(invocation(command), options));
  audit
    .command("follow")
    .description("print events as they happen")
    .option("--after <seq>", "start after this event", "0")
    .action((options: { after: string }, command: Command) => follow(invocation(command), Number(options.after)));
  audit
    .command("verify")
    .description("check the chain of hashes; exit code 1 when it is broken")
    .option("--data <dir>", "check this data folder instead of asking the server")
    .action((options: { data?: string }, command: Command) => verify(invocation(command), options.data));
  return audit;
}

async function log(run: Invocation, options: { limit: string; subject?: string }): Promise<void> {
  const session = run.session();
  const limit = Number(options.limit);
  const events: Event[] = [];
  const path = `/api/v1/projects/${encodeURIComponent(session.project)}/events`;
  const query = { subject: options.subject, order: "desc", limit: Math.min(limit, 200) };
  for await (const event of session.client.items(path, Event, { query })) {
    if (events.push(event) >= limit) break;
  }
  if (run.json) return printJson(events);
  for (const event of events) print(eventLine(event));
}

async function follow(run: Invocation, after: number): Promise<void> {
  const session = run.session();
  for await (const event of session.client.events(session.project, { after }))
    print(run.json ? JSON.stringify(event) : eventLine(event));
}

function eventLine(event: Event): string {
  const data = Object.entries(event.data ?? {})
    .filter(([, value]) => typeof value !== "object")
    .map(([key, value]) => `${key}=${String(value)}`);
  const who = event.actor.name ?? `${event.actor.kind} ${event.actor.id}`;
  const line = `${event.at}  ${event.action.padEnd(22)} ${event.subject}  by ${who}  ${data.join(" ")}`;
  return printable(line.replaceAll("\n", " ⏎ ").trimEnd());
}

async function verify(run: Invocation, dataDir: string | undefined): Promise<void> {
  const result = dataDir === undefined ? await verifyOnline(run) : await verifyFolder(dataDir);
  if (run.json) printJson(result);
  else if (result.intact) print(`${tint("good", "intact")}: ${result.count} events, head ${result.head}`);
  else print(`${tint("bad", "broken")} at event ${result.brokenSeq}: ${result.reason}`);
  if (!result.intact) throw new Ended(EXIT.blocked);
}

function verifyOnline(run: Invocation): Promise<AuditVerification> {
  return run.session().client.get("/api/v1/audit/verify", AuditVerification, { timeoutMs: VERIFY_TIMEOUT_MS });
}

async function verifyFolder(dataDir: string): Promise<AuditVerification> {
  // Only this needs the server's code: the other verbs start without loading it.
  const { verifyDataDir } = await import("@flotilla/server/audit/verify");
  return verifyDataDir(dataDir, systemClock);
}
