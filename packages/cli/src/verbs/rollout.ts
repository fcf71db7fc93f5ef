import { systemClock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { parseDurationMs } from "@flotilla/base/units";
import { Rollout, RolloutDevice } from "@flotilla/protocol/api/rollouts";
import { Command } from "commander";
import { Ended, EXIT } from "../exit-codes.ts";
import { ago, print, printJson, printTable, startProgress, tint } from "../output.ts";
import { type Invocation, invocation, type Session } from "../session.ts";

const WATCH_INTERVAL_MS = 1000;
const ENDED: ReadonlySet<string> = new Set(["stopped", "aborted", "finished"]);

const EXAMPLES = `
Examples:
  $ flotilla rollout create shop r3 --phases 1,10%,100%          one device, then a tenth, then all
  $ flotilla rollout create shop r3 --selector site=oslo --watch and watch it go
  $ flotilla rollout show ID                                     how far it is, phase by phase
  $ flotilla rollout devices ID --outcome failed                 which devices failed, and why
  $ flotilla rollout abort ID                                    end it and put every changed device back`;

export function rolloutCommand(): Command {
  const rollout = new Command("rollout")
    .description("Bring a release to devices in phases, and stop when it fails.")
    .addHelpText("after", EXAMPLES);
  rollout
    .command("create <app> <release>")
    .description("start a rollout of a release (digest or tag) to the devices of a selector")
    .option("--selector <query>", "which devices, e.g. 'site=oslo, !canary' (default: all of the project)")
    .option("--phases <sizes>", "sizes that grow, last 100%", "1,10%,100%")
    .option("--success <percent>", "part of a phase that must commit before the next starts")
    .option("--stop-rate <percent>", "stop when more than this part has failed")
    .option("--deadline <duration>", "how long a phase waits for a device, e.g. 30m")
    .option("--on-stop <act>", "hold or restore: what happens to committed devices after a stop")
    .option("--watch", "stay until it has ended")
    .action((app: string, release: string, options: CreateOptions, command: Command) =>
      create(invocation(command), app, release, options),
    );
  rollout
    .command("list")
    .description("list rollouts, newest first")
    .option("--app <app>", "only of this app")
    .action((options: { app?: string }, command: Command) => list(invocation(command), options.app));
  rollout
    .command("show <rollout>")
    .description("show one rollout, phase by phase")
    .action((id: string, _options: unknown, command: Command) => show(invocation(command), id));
  rollout
    .command("watch <rollout>")
    .description("follow a rollout until it has ended; exit code 1 when it was stopped or aborted")
    .action((id: string, _options: unknown, command: Command) => watch(invocation(command), id));
  rollout
    .command("devices <rollout>")
    .description("list the devices of a rollout with their outcome")
    .option(
      "--outcome <outcome>",
      "only these: waiting, pending, committed, failed, left-out, superseded, put-back, gone",
    )
    .action((id: string, options: { outcome?: string }, command: Command) =>
      devices(invocation(command), id, options.outcome),
    );
  for (const [act, words] of [
    ["pause", "start no more devices"],
    ["resume", "go on after a pause"],
    ["abort", "end it and put every changed device back"],
  ] as const) {
    const command = rollout.command(`${act} <rollout>`).description(words);
    if (act === "abort") command.option("--no-restore", "leave the changed devices on the new release");
    command.action((id: string, options: { restore?: boolean }, self: Command) =>
      control(invocation(self), id, act, options.restore),
    );
  }
  return rollout;
}

interface CreateOptions {
  readonly selector?: string;
  readonly phases: string;
  readonly success?: string;
  readonly stopRate?: string;
  readonly deadline?: string;
  readonly onStop?: string;
  readonly watch?: boolean;
}

function rolloutsPath(session: Session, rest = ""): string {
  return `/api/v1/projects/${encodeURIComponent(session.project)}/rollouts${rest}`;
}

async function create(run: Invocation, app: string, release: string, options: CreateOptions): Promise<void> {
  const session = run.session();
  const body = {
    app,
    release,
    phases: options.phases.split(",").map((size) => size.trim()),
    ...(options.selector === undefined ? {} : { selector: options.selector }),
    ...(options.success === undefined ? {} : { successThreshold: percentage("--success", options.success) }),
    ...(options.stopRate === undefined ? {} : { failureRate: percentage("--stop-rate", options.stopRate) }),
    ...(options.deadline === undefined ? {} : { deadlineSeconds: seconds(options.deadline) }),
    ...(options.onStop === undefined ? {} : { onStop: options.onStop }),
  };
  const rollout = await session.client.post(rolloutsPath(session), body, Rollout);
  if (options.watch) return watch(run, rollout.id);
  if (run.json) return printJson(rollout);
  print(`rollout ${rollout.id} of ${app} ${rollout.tag} started`);
  print(`watch it:  flotilla rollout watch ${rollout.id}`);
}

function percentage(option: string, text: string): number {
  const value = Number(text.replace(/%$/, ""));
  if (!(value >= 0 && value <= 100))
    throw new CodedError("usage", `${option} ${text}: write a percentage from 0 to 100`);
  return value / 100;
}

function seconds(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new CodedError("usage", `--deadline ${text}: write a duration such as 30m or 2h`);
  return Math.round(ms / 1000);
}

async function list(run: Invocation, app: string | undefined): Promise<void> {
  const session = run.session();
  const rollouts: Rollout[] = [];
  for await (const rollout of session.client.items(rolloutsPath(session), Rollout, { query: { app } }))
    rollouts.push(rollout);
  if (run.json) return printJson(rollouts);
  const rows = rollouts.map((rollout) => [
    rollout.id,
    rollout.app,
    rollout.tag,
    state(rollout),
    summary(rollout),
    ago(rollout.createdAt, systemClock.now()),
  ]);
  printTable(
    ["ID", "APP", "RELEASE", "STATE", "DEVICES", "STARTED"],
    rows,
    "No rollouts. Start one: flotilla rollout create APP RELEASE",
  );
}

function state(rollout: Rollout): string {
  const tone =
    rollout.state === "finished" ? "good" : rollout.state === "stopped" || rollout.state === "aborted" ? "bad" : "warn";
  return tint(tone, rollout.state);
}

/** `12 committed, 1 failed, 87 waiting`. */
function summary(rollout: Rollout): string {
  const counts = Object.entries(rollout.counts).filter(([, count]) => count > 0);
  return counts.map(([outcome, count]) => `${count} ${outcome}`).join(", ") || "no devices";
}

async function show(run: Invocation, id: string): Promise<void> {
  const session = run.session();
  const rollout = await session.client.get(rolloutsPath(session, `/${id}`), Rollout);
  if (run.json) return printJson(rollout);
  describe(rollout);
}

function describe(rollout: Rollout): void {
  print(`${rollout.app} ${rollout.tag}  ${state(rollout)}  ${summary(rollout)}`);
  if (rollout.reason !== undefined) print(`  why: ${rollout.reason.message} [${rollout.reason.code}]`);
  const rows = rollout.phases.map((phase, index) => [
    index + 1,
    phase.size,
    phase.reach,
    phase.startedAt === undefined ? "not started" : phase.startedAt,
    phase.counts.committed,
    phase.counts.failed,
    phase.counts.pending,
  ]);
  printTable(["PHASE", "SIZE", "DEVICES", "STARTED", "COMMITTED", "FAILED", "PENDING"], rows, "no phases");
}

async function watch(run: Invocation, id: string): Promise<void> {
  const session = run.session();
  const progress = startProgress();
  for (;;) {
    const rollout = await session.client.get(rolloutsPath(session, `/${id}`), Rollout);
    if (ENDED.has(rollout.state)) {
      progress.done();
      if (run.json) printJson(rollout);
      else describe(rollout);
      if (rollout.state !== "finished") throw new Ended(EXIT.blocked);
      return;
    }
    const phase = rollout.phase === undefined ? "preparing" : `phase ${rollout.phase + 1} of ${rollout.phases.length}`;
    progress.update(`${rollout.app} ${rollout.tag}: ${rollout.state}, ${phase}: ${summary(rollout)}`);
    await systemClock.sleep(WATCH_INTERVAL_MS);
  }
}

async function devices(run: Invocation, id: string, outcome: string | undefined): Promise<void> {
  const session = run.session();
  const members: RolloutDevice[] = [];
  const options = { query: { outcome, limit: 200 } };
  for await (const member of session.client.items(rolloutsPath(session, `/${id}/devices`), RolloutDevice, options))
    members.push(member);
  if (run.json) return printJson(members);
  const rows = members.map((member) => [
    member.name,
    member.phase === undefined ? undefined : member.phase + 1,
    member.outcome,
    member.reason?.message,
  ]);
  printTable(["DEVICE", "PHASE", "OUTCOME", "REASON"], rows, "No such devices.");
}

async function control(
  run: Invocation,
  id: string,
  act: "pause" | "resume" | "abort",
  restore: boolean | undefined,
): Promise<void> {
  const session = run.session();
  const body = act === "abort" ? { restore: restore !== false } : {};
  const rollout = await session.client.post(rolloutsPath(session, `/${id}/${act}`), body, Rollout);
  if (run.json) return printJson(rollout);
  describe(rollout);
}
