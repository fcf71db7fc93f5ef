#!/usr/bin/env node
import { systemClock } from "@flotilla/base/clock";
import { CodedError, isCoded, messageOf } from "@flotilla/base/errors";
import { silentLog } from "@flotilla/base/log";
import { type Command, parseCommand } from "./cli/arguments.ts";
import { examine, renderChecks } from "./cli/doctor.ts";
import { HELP } from "./cli/help.ts";
import { readContainerLogs, renderLogs } from "./cli/logs.ts";
import { run } from "./cli/run.ts";
import { readStatus, renderStatus } from "./cli/status.ts";
import { type AgentConfig, readConfig, readEnvironment } from "./config.ts";
import { createDockerEngine } from "./docker/engine.ts";
import { enrol } from "./enrol/enrol.ts";
import { gatherFacts } from "./facts.ts";
import { openHost } from "./host/host.ts";
import type { Engine } from "./ports.ts";
import { AGENT_VERSION } from "./version.ts";

const environment = readEnvironment(process.env);

/** Runs one command; the result is the exit code. */
async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case "help":
      process.stdout.write(HELP);
      return 0;
    case "version":
      print(command, { version: AGENT_VERSION }, () => `flotilla-agent ${AGENT_VERSION}\n`);
      return 0;
    case "run":
      return runUntilSignal(command);
    case "enrol":
      return enrolHere(command);
    case "status": {
      const config = await requireConfig(command);
      const status = await readStatus(config, engineAt(config.engine ?? environment.engine));
      print(command, status, () => renderStatus(status));
      return 0;
    }
    case "logs": {
      const config = await requireConfig(command);
      const logs = await readContainerLogs(engineAt(config.engine ?? environment.engine), command);
      print(command, logs, () => renderLogs(logs));
      return 0;
    }
    case "doctor": {
      const configPath = configPathOf(command);
      const now = () => systemClock.now();
      const options = { configPath, environment, engineFor: engineAt, now, readConfig: () => readConfig(configPath) };
      const checks = await examine(options);
      print(command, checks, () => renderChecks(checks));
      return checks.some(({ result }) => result === "bad") ? 1 : 0;
    }
  }
}

async function runUntilSignal(command: { readonly config?: string }): Promise<number> {
  const config = await configToRun(command);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  const write = (line: string) => process.stdout.write(`${line}\n`);
  await run({ config, environment, clock: systemClock, write }, stop.signal);
  return 0;
}

/** A container cannot be enrolled by hand before it runs: its environment says where to. */
async function configToRun(command: { readonly config?: string }): Promise<AgentConfig> {
  const { enrolment } = environment;
  if (enrolment === undefined || (await readConfig(configPathOf(command))) !== undefined) return requireConfig(command);
  const { server, token, name } = enrolment;
  const named = name === undefined ? {} : { name };
  await enrolHere({ ...command, kind: "enrol", json: true, server, token, ...named, again: false });
  return requireConfig(command);
}

async function enrolHere(command: Extract<Command, { kind: "enrol" }>): Promise<number> {
  const stateDir = command.stateDir ?? environment.stateDir;
  const engine = command.engine ?? environment.engine;
  const { kind, config } = await enrol({
    ...command,
    configPath: configPathOf(command),
    stateDir,
    engine,
    environment,
    async facts() {
      const host = await openHost({ folder: stateDir });
      return gatherFacts({ engine: engineAt(engine), host }, AGENT_VERSION, AbortSignal.timeout(60_000));
    },
  });
  const { pinnedCa, ...shown } = config;
  print(command, { kind, ...shown, pinned: pinnedCa !== undefined }, () => {
    const where = `${config.name} (device ${config.device}) of project ${config.project} at ${config.server}`;
    return kind === "already" ? `enrolled already: ${where}\n` : `enrolled: ${where}\n`;
  });
  return 0;
}

async function requireConfig(command: { readonly config?: string }): Promise<AgentConfig> {
  const path = configPathOf(command);
  const config = await readConfig(path);
  if (config !== undefined) return config;
  throw new CodedError(
    "not-enrolled",
    `${path} is not there: this machine is not enrolled. Run: flotilla-agent enrol --server https://… --token flp_…`,
  );
}

function configPathOf(command: { readonly config?: string }): string {
  return command.config ?? environment.configPath;
}

function engineAt(address: string): Engine {
  return createDockerEngine({ address, clock: systemClock, log: silentLog });
}

function print(command: { readonly json: boolean }, value: unknown, text: () => string): void {
  process.stdout.write(command.json ? `${JSON.stringify(value, undefined, 2)}\n` : text());
}

try {
  process.exitCode = await main(parseCommand(process.argv.slice(2), process.env["FLOTILLA_AGENT_TOKEN"]));
} catch (error) {
  const code = isCoded(error) ? ` [${error.code}]` : "";
  process.stderr.write(`flotilla-agent: ${messageOf(error)}${code}\n`);
  process.exitCode = isCoded(error, "usage") ? 2 : 1;
}
