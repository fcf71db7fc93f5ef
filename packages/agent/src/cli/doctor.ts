import { messageOf } from "@flotilla/base/errors";
import type { AgentConfig, Environment } from "../config.ts";
import type { Engine } from "../ports.ts";
import { checkAgent, checkCgroups, checkConfig, checkDisk, checkEngine, checkLabels } from "./doctor-device.ts";
import { checkClock, checkServer, type ServerCheckOptions } from "./doctor-server.ts";
import { plain } from "./text.ts";

/** One thing that was looked at. `next` says what to do, for everything that is not good. */
export interface Check {
  readonly name: string;
  readonly result: "good" | "warning" | "bad";
  readonly detail: string;
  readonly next?: string;
}

export interface DoctorOptions {
  readonly configPath: string;
  readonly readConfig: () => Promise<AgentConfig | undefined>;
  readonly environment: Environment;
  readonly engineFor: (address: string) => Engine;
  readonly now: () => number;
}

/** Looks at everything the agent stands on. Each check is made whatever the others say, and none throws. */
export async function examine(options: DoctorOptions): Promise<readonly Check[]> {
  const { config, check } = await checkConfig(options);
  const address = config?.engine ?? options.environment.engine;
  const engine = options.engineFor(address);
  const checks: Check[] = [check];
  const add = async (name: string, look: () => Promise<Check | readonly Check[]>) => {
    try {
      checks.push(...[await look()].flat());
    } catch (error) {
      checks.push({
        name,
        result: "bad",
        detail: messageOf(error),
        next: "report this: a check should not fail by itself",
      });
    }
  };
  await add("engine", () => checkEngine(engine, address));
  await add("cgroups", () => checkCgroups());
  await add("disk", () => checkDisk(engine, config?.stateDir ?? options.environment.stateDir));
  if (checks.some(({ name, result }) => name === "engine" && result === "good"))
    await add("labels", () => checkLabels(engine));
  if (config === undefined) return checks;
  await add("agent", () => checkAgent(config));
  const serverOptions: ServerCheckOptions = { config, environment: options.environment, now: options.now };
  await add("server", () => checkServer(serverOptions));
  await add("clock", () => checkClock(serverOptions));
  return checks;
}

const MARKS = { good: "ok  ", warning: "warn", bad: "BAD " } as const;

export function renderChecks(checks: readonly Check[]): string {
  const lines = checks.flatMap(({ name, result, detail, next }) => [
    `${MARKS[result]}  ${name.padEnd(8)} ${plain(detail)}`,
    ...(next === undefined ? [] : [`                → ${plain(next)}`]),
  ]);
  const bad = checks.filter(({ result }) => result === "bad").length;
  const warnings = checks.filter(({ result }) => result === "warning").length;
  return `${[...lines, "", `${checks.length} checks, ${bad} bad, ${warnings} warnings`].join("\n")}\n`;
}
