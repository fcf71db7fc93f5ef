import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "@flotilla/agent/cli/run";
import type { AgentConfig, Environment } from "@flotilla/agent/config";
import { createDockerEngine } from "@flotilla/agent/docker/engine";
import { enrol } from "@flotilla/agent/enrol/enrol";
import { gatherFacts } from "@flotilla/agent/facts";
import { openHost } from "@flotilla/agent/host/host";
import { EngineError, type EngineFacts, LABELS } from "@flotilla/agent/ports";
import { AGENT_VERSION } from "@flotilla/agent/version";
import { deadlineSignal, systemClock } from "@flotilla/base/clock";
import { silentLog } from "@flotilla/base/log";

const LOOK_MS = 3000;
const FACTS_MS = 30_000;

export type FoundEngine =
  | { readonly kind: "free"; readonly facts: EngineFacts }
  /** Another agent's apps are on it: two agents on one engine would take each other's containers for leftovers. */
  | { readonly kind: "taken"; readonly containers: readonly string[] }
  | { readonly kind: "none" };

/** The Docker Engine of this machine. */
export async function findEngine(address: string): Promise<FoundEngine> {
  const engine = createDockerEngine({ address, clock: systemClock, log: silentLog });
  try {
    const facts = await engine.facts(deadlineSignal(LOOK_MS));
    const { containers } = await engine.list(deadlineSignal(FACTS_MS));
    if (containers.length > 0) return { kind: "taken", containers: containers.map(({ name }) => name) };
    return { kind: "free", facts };
  } catch {
    return { kind: "none" }; // The usual case on a machine without Docker; the demo goes on without it.
  }
}

export interface ThisMachineOptions {
  readonly server: string;
  readonly token: string;
  readonly name: string;
  readonly folder: string;
  readonly environment: Environment;
}

/** Enrols this machine as `flotilla-agent enrol` does, with its state in the demo's folder. */
export async function enrolThisMachine(options: ThisMachineOptions): Promise<AgentConfig> {
  const { folder, environment } = options;
  const engine = createDockerEngine({ address: environment.engine, clock: systemClock, log: silentLog });
  const { config } = await enrol({
    ...options,
    configPath: join(folder, "agent.json"),
    stateDir: folder,
    engine: environment.engine,
    facts: async () =>
      gatherFacts({ engine, host: await openHost({ folder }) }, AGENT_VERSION, deadlineSignal(FACTS_MS)),
  });
  return config;
}

/** Takes the demo's containers and networks off this machine's engine again. */
export async function clearEngine(address: string, app: string): Promise<void> {
  const engine = createDockerEngine({ address, clock: systemClock, log: silentLog });
  const { containers, networks } = await engine.list(deadlineSignal(FACTS_MS));
  for (const { id, labels } of containers) {
    if (labels[LABELS.app] !== app) continue;
    await engine.stopContainer(id, 0, deadlineSignal(FACTS_MS)).catch(ignoreStopped);
    await engine.removeContainer(id, deadlineSignal(FACTS_MS));
  }
  for (const network of networks)
    if (network.app === app) await engine.removeNetwork(network.name, deadlineSignal(FACTS_MS));
}

function ignoreStopped(error: unknown): void {
  if (!(error instanceof EngineError) || error.status !== 304) throw error;
}

/** Runs the agent as `flotilla-agent run` does, until the signal aborts. */
export function runThisMachine(config: AgentConfig, environment: Environment, signal: AbortSignal): Promise<void> {
  const log = join(config.stateDir, "agent.log");
  return run({ config, environment, clock: systemClock, write: (line) => appendFileSync(log, `${line}\n`) }, signal);
}
