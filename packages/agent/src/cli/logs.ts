import { CodedError } from "@flotilla/base/errors";
import { type Engine, type EngineContainer, LABELS } from "../ports.ts";

export interface ContainerLog {
  readonly app: string;
  readonly service: string;
  readonly replica: string;
  readonly container: string;
  readonly log: string;
}

export interface LogsQuery {
  readonly app?: string;
  readonly service?: string;
  readonly lines: number;
}

/** The last lines of our containers, of one app or of one service; throws `no-containers` when none match. */
export async function readContainerLogs(engine: Engine, query: LogsQuery): Promise<readonly ContainerLog[]> {
  const { containers } = await engine.list();
  const wanted = containers.filter((container) => matches(container, query)).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (wanted.length === 0) {
    const places = [...new Set(containers.map(placeOf))].sort();
    const known = places.length === 0 ? "there are none on this device" : `there are ${places.join(", ")}`;
    throw new CodedError("no-containers", `no container of ours matches; ${known}`);
  }
  const logs: ContainerLog[] = [];
  for (const container of wanted) {
    const { labels, name } = container;
    logs.push({
      app: labels[LABELS.app] ?? "",
      service: labels[LABELS.service] ?? "",
      replica: labels[LABELS.replica] ?? "",
      container: name,
      log: await engine.logs(container.id, query.lines),
    });
  }
  return logs;
}

/** Each line behind its service, as compose shows them; one container alone is shown as it wrote. */
export function renderLogs(logs: readonly ContainerLog[]): string {
  if (logs.length === 1) return logs[0]?.log ?? "";
  const width = Math.max(...logs.map((log) => prefixOf(log).length));
  return logs
    .flatMap((log) => {
      const lines = log.log.replace(/\n$/, "").split("\n");
      return lines.map((line) => `${prefixOf(log).padEnd(width)} | ${line}\n`);
    })
    .join("");
}

function prefixOf({ app, service, replica }: ContainerLog): string {
  return `${app}/${service}.${replica}`;
}

function placeOf({ labels }: EngineContainer): string {
  return `${labels[LABELS.app]}/${labels[LABELS.service]}`;
}

function matches({ labels }: EngineContainer, { app, service }: LogsQuery): boolean {
  if (app !== undefined && labels[LABELS.app] !== app) return false;
  return service === undefined || labels[LABELS.service] === service;
}
