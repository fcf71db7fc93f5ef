import { shortDigest } from "@flotilla/base/digest";
import { messageOf } from "@flotilla/base/errors";
import { formatBytes } from "@flotilla/base/units";
import type { AppState } from "@flotilla/protocol/device";
import { type AgentConfig, statePaths } from "../config.ts";
import { type Engine, type EngineContainer, LABELS } from "../ports.ts";
import { askStatus, type LiveStatus } from "./status-socket.ts";
import { plain, table } from "./text.ts";

/** Where the device stands, from the running agent and from the engine; neither needs the server. */
export interface DeviceStatus {
  readonly device: string;
  readonly name: string;
  readonly project: string;
  readonly server: string;
  readonly agent:
    | { readonly running: true; readonly version: string; readonly pid: number; readonly connected: boolean }
    | { readonly running: false };
  readonly targetVersion?: number;
  readonly apps: Readonly<Record<string, AppState>>;
  /** What the engine shows, also when the agent does not run. */
  readonly containers: readonly Pick<EngineContainer, "name" | "state" | "health" | "restarts" | "labels">[];
  readonly engineProblem?: string;
}

export async function readStatus(config: AgentConfig, engine: Engine): Promise<DeviceStatus> {
  const live = await askStatus(statePaths(config.stateDir).socket);
  const { device, name, project, server } = config;
  return {
    ...{ device, name, project, server },
    agent: agentOf(live),
    ...(live === undefined ? {} : { targetVersion: live.targetVersion }),
    apps: live?.apps ?? {},
    ...(await readContainers(engine)),
  };
}

/** The status for a person. */
export function renderStatus(status: DeviceStatus): string {
  const { agent } = status;
  const connection = agent.running && agent.connected ? "connected to" : "not connected to";
  const head = [
    `${plain(status.name)} (project ${plain(status.project)}, device ${plain(status.device)})`,
    agent.running
      ? `agent ${agent.version} runs (process ${agent.pid}), ${connection} ${status.server}, target version ${status.targetVersion}`
      : `the agent does not run; start it with: systemctl start flotilla-agent`,
    ...(status.engineProblem === undefined ? [] : [`engine: ${status.engineProblem}; see: flotilla-agent doctor`]),
  ];
  const apps = Object.entries(status.apps).flatMap(([name, app]) => renderApp(name, app));
  return `${[...head, ...(apps.length === 0 ? [] : ["", ...apps]), "", ...renderContainers(status)].join("\n")}\n`;
}

function renderApp(name: string, app: AppState): readonly string[] {
  const runs = app.release === undefined ? "nothing yet" : shortDigest(app.release);
  const moving = app.target === undefined || app.target === app.release ? "" : ` → ${shortDigest(app.target)}`;
  const progress = app.progress;
  const bytes =
    progress === undefined ? "" : ` ${formatBytes(progress.doneBytes)} of ${formatBytes(progress.totalBytes)}`;
  const lines = [`${plain(name)}: ${runs}${moving}, ${app.phase}${bytes}`];
  const { verdict } = app;
  if (verdict !== undefined && verdict.kind !== "commit")
    lines.push(
      `  ${verdict.kind} of ${shortDigest(verdict.release)} at ${verdict.at}: ${plain(verdict.reason)} (${verdict.code})`,
    );
  return lines;
}

function renderContainers(status: DeviceStatus): readonly string[] {
  if (status.engineProblem !== undefined) return [];
  if (status.containers.length === 0) return ["no containers of Flotilla are on this device"];
  const rows = status.containers.map(({ name, state, health, restarts, labels }) => [
    `${labels[LABELS.app] ?? ""}/${labels[LABELS.service] ?? ""}`,
    state,
    health === "none" ? "-" : health,
    String(restarts),
    shortDigest(labels[LABELS.release] ?? ""),
    name,
  ]);
  return table(["service", "state", "health", "restarts", "release", "container"], rows);
}

async function readContainers(engine: Engine): Promise<Pick<DeviceStatus, "containers" | "engineProblem">> {
  try {
    const { containers } = await engine.list();
    const shown = containers.map(({ name, state, health, restarts, labels }) => ({
      name,
      state,
      health,
      restarts,
      labels,
    }));
    return { containers: shown.sort((a, b) => (a.name < b.name ? -1 : 1)) };
  } catch (error) {
    return { containers: [], engineProblem: messageOf(error) };
  }
}

function agentOf(live: LiveStatus | undefined): DeviceStatus["agent"] {
  if (live === undefined) return { running: false };
  return { running: true, version: live.version, pid: live.pid, connected: live.connected };
}
