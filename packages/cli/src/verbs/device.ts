import { systemClock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { parseDurationMs } from "@flotilla/base/units";
import { CreatedProvisioningToken, Device, type DeviceApp, RetryResponse } from "@flotilla/protocol/api/devices";
import { Command } from "commander";
import { ago, type Cell, note, print, printJson, printTable, tint } from "../output.ts";
import { type Invocation, invocation, type Session } from "../session.ts";

const EXAMPLES = `
Examples:
  $ flotilla device enrol --labels site=oslo,tier=canary      how to bring a machine into the fleet
  $ flotilla device list --selector 'site=oslo, !canary'      which devices there are
  $ flotilla device show press-7                              what one runs, and its last verdicts
  $ flotilla device label press-7 tier=canary site-           set one label, take another away
  $ flotilla device retry press-7 shop                        allow a release that failed there once more
  $ flotilla device revoke press-7                            refuse its key from now on, at once`;

export function deviceCommand(): Command {
  const device = new Command("device")
    .description("Enrol devices, see what they run, revoke them.")
    .addHelpText("after", EXAMPLES);
  device
    .command("list")
    .description("list devices")
    .option("--selector <query>", "only those whose labels match, e.g. 'site=oslo, !canary'")
    .action((options: { selector?: string }, command: Command) => list(invocation(command), options.selector));
  device
    .command("show <device>")
    .description("show one device, by id or name")
    .action((name: string, _options: unknown, command: Command) => show(invocation(command), name));
  device
    .command("enrol")
    .description("make a provisioning token and print the command to run on the machine")
    .option("--labels <labels>", "labels for the devices, e.g. site=oslo,tier=canary")
    .option("--uses <count>", "how many devices it may enrol", "1")
    .option("--expires <duration>", "how long it is valid, e.g. 30m, 7d", "1d")
    .action((options: EnrolOptions, command: Command) => enrol(invocation(command), options));
  device
    .command("label <device> <labels...>")
    .description("set labels (key=value) or take them away (key-)")
    .action((name: string, labels: string[], _options: unknown, command: Command) =>
      label(invocation(command), name, labels),
    );
  device
    .command("retry <device> <app>")
    .description("allow a release that failed on this device once more")
    .action((name: string, app: string, _options: unknown, command: Command) =>
      retryApp(invocation(command), name, app),
    );
  device
    .command("revoke <device>")
    .description("refuse the device's key and end its connection at once")
    .action((name: string, _options: unknown, command: Command) => revoke(invocation(command), name));
  device
    .command("delete <device>")
    .description("forget a device; its history stays in the audit log")
    .action((name: string, _options: unknown, command: Command) => remove(invocation(command), name));
  return device;
}

function devicePath(session: Session, name: string): string {
  return `/api/v1/projects/${encodeURIComponent(session.project)}/devices/${encodeURIComponent(name)}`;
}

async function list(run: Invocation, selector: string | undefined): Promise<void> {
  const session = run.session();
  const devices: Device[] = [];
  const path = `/api/v1/projects/${encodeURIComponent(session.project)}/devices`;
  for await (const device of session.client.items(path, Device, { query: { selector, limit: 200 } }))
    devices.push(device);
  if (run.json) return printJson(devices);
  printTable(
    ["NAME", "STATUS", "SEEN", "LABELS", "APPS"],
    devices.map(deviceRow),
    "No devices. Enrol one: flotilla device enrol",
  );
}

function deviceRow(device: Device): Cell[] {
  const tone = device.status === "online" ? "good" : device.status === "revoked" ? "bad" : "dim";
  const labels = Object.entries(device.labels).map(([key, value]) => (value === "" ? key : `${key}=${value}`));
  const apps = Object.entries(device.apps).map(([name, app]) => `${name}:${appSummary(app)}`);
  const seen = device.status === "online" ? "now" : ago(device.lastSeenAt, systemClock.now());
  return [device.name, tint(tone, device.status), seen, labels.join(",") || undefined, apps.join(" ") || undefined];
}

function appSummary(app: DeviceApp): string {
  if (app.problem !== undefined) return app.problem.code;
  if (app.phase !== undefined && app.phase !== "idle") return app.phase;
  if (app.verdict !== undefined && app.verdict.kind !== "commit")
    return app.verdict.kind === "rollback" ? "rolled-back" : "refused";
  return app.release === undefined ? "none" : app.release.slice(7, 15);
}

async function show(run: Invocation, name: string): Promise<void> {
  const session = run.session();
  const device = await session.client.get(devicePath(session, name), Device);
  if (run.json) return printJson(device);
  print(`${tint("strong", device.name)}  ${device.status}  ${device.id}`);
  print(
    `  labels    ${
      Object.entries(device.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(", ") || "-"
    }`,
  );
  print(
    `  seen      ${device.status === "online" ? "now" : ago(device.lastSeenAt, systemClock.now())}, enrolled ${device.enrolledAt}`,
  );
  if (device.facts !== undefined) {
    const { os, architecture, engineVersion, imageStore, agentVersion } = device.facts;
    print(`  machine   ${os}, ${architecture}, Docker ${engineVersion} (${imageStore}), agent ${agentVersion}`);
  }
  for (const [app, state] of Object.entries(device.apps)) showApp(app, state);
}

function showApp(name: string, app: DeviceApp): void {
  print();
  print(`  ${tint("strong", name)}  ${app.phase ?? "not reported"}`);
  print(`    assigned  ${app.assigned === undefined ? "-" : `${app.assigned.release} (${app.assigned.source})`}`);
  print(`    runs      ${app.release ?? "-"}`);
  if (app.problem !== undefined) print(`    ${tint("bad", "problem")}   ${app.problem.message}`);
  if (app.verdict !== undefined) {
    const tone = app.verdict.kind === "commit" ? "good" : "bad";
    print(
      `    verdict   ${tint(tone, app.verdict.kind)} of ${app.verdict.release.slice(0, 19)} at ${app.verdict.at}: ${app.verdict.reason}`,
    );
  }
  for (const container of app.containers) {
    print(
      `    container ${container.service}/${container.replica}  ${container.state}  ${container.health}  restarts ${container.restarts}`,
    );
  }
}

interface EnrolOptions {
  readonly labels?: string;
  readonly uses: string;
  readonly expires: string;
}

async function enrol(run: Invocation, options: EnrolOptions): Promise<void> {
  const session = run.session();
  const expiresInMs = parseDurationMs(options.expires);
  const maxUses = Number(options.uses);
  if (expiresInMs === undefined)
    throw new CodedError("usage", `--expires ${options.expires}: write a duration such as 30m or 7d`);
  if (!Number.isInteger(maxUses) || maxUses < 1)
    throw new CodedError("usage", `--uses ${options.uses}: write a whole number from 1`);
  const labels = Object.fromEntries((options.labels ?? "").split(",").filter(Boolean).map(parseLabel));
  const body = { labels, maxUses, expiresInSeconds: Math.round(expiresInMs / 1000) };
  const path = `/api/v1/projects/${encodeURIComponent(session.project)}/provisioning-tokens`;
  const created = await session.client.post(path, body, CreatedProvisioningToken);
  if (run.json) return printJson(created);
  const insecure = session.server.startsWith("https:") && session.ca !== undefined ? " --insecure" : "";
  note(
    `This token enrols ${maxUses} device${maxUses === 1 ? "" : "s"} into ${session.project} until ${created.expiresAt}. On the machine, as root:`,
  );
  print(`curl -fsSL${insecure} ${session.server}/install.sh | sh -s -- ${created.token}`);
}

function parseLabel(text: string): [string, string] {
  const [key = "", ...value] = text.split("=");
  if (key === "") throw new CodedError("usage", `${text}: write a label as key=value`);
  return [key, value.join("=")];
}

async function label(run: Invocation, name: string, texts: readonly string[]): Promise<void> {
  const session = run.session();
  const labels = Object.fromEntries(
    texts.map((text): [string, string | null] =>
      text.endsWith("-") && !text.includes("=") ? [text.slice(0, -1), null] : parseLabel(text),
    ),
  );
  const device = await session.client.patch(devicePath(session, name), { labels }, Device);
  if (run.json) return printJson(device);
  print(
    Object.entries(device.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(" ") || "no labels",
  );
}

async function retryApp(run: Invocation, name: string, app: string): Promise<void> {
  const session = run.session();
  const result = await session.client.post(
    `${devicePath(session, name)}/apps/${encodeURIComponent(app)}/retry`,
    {},
    RetryResponse,
  );
  if (run.json) return printJson(result);
  print(`${name} may try ${result.release} again`);
}

async function revoke(run: Invocation, name: string): Promise<void> {
  const session = run.session();
  const device = await session.client.post(`${devicePath(session, name)}/revoke`, {}, Device);
  if (run.json) return printJson(device);
  print(`${device.name} is revoked: its key is refused and its connection ended. What it runs keeps running.`);
}

async function remove(run: Invocation, name: string): Promise<void> {
  const session = run.session();
  await session.client.delete(devicePath(session, name));
  if (run.json) return printJson({ deleted: name });
  print(`${name} is deleted`);
}
