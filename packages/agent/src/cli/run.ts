import { mkdir } from "node:fs/promises";
import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { createJsonLog, type Log } from "@flotilla/base/log";
import { uuidv7 } from "@flotilla/base/uuid";
import { createAgent } from "../agent.ts";
import { openBlobStore } from "../blobs/blob-store.ts";
import { createFetcher } from "../blobs/fetcher.ts";
import { createFileStore } from "../blobs/file-store.ts";
import { type AgentConfig, type Environment, statePaths, trustOf } from "../config.ts";
import { createDockerEngine } from "../docker/engine.ts";
import { readDeviceKey } from "../host/device-key.ts";
import { openHost } from "../host/host.ts";
import { createLink } from "../link/link.ts";
import { createTransport } from "../link/transport.ts";
import { AGENT_VERSION } from "../version.ts";
import { askStatus, serveStatus } from "./status-socket.ts";
import { feedWatchdog } from "./watchdog.ts";

export interface RunOptions {
  readonly config: AgentConfig;
  readonly environment: Environment;
  readonly clock: Clock;
  /** Takes the log's lines. */
  readonly write: (line: string) => void;
}

/** Runs the agent until the signal aborts: every real part, wired. */
export async function run(options: RunOptions, signal: AbortSignal): Promise<void> {
  const { config, environment, clock } = options;
  const level = environment.logLevel ?? config.logLevel ?? "info";
  const log = createJsonLog(options.write, () => clock.now(), level);
  const paths = statePaths(config.stateDir);
  await mkdir(config.stateDir, { recursive: true, mode: 0o700 });
  await refuseSecond(paths.socket);
  const key = await readDeviceKey(paths.key);
  if (key === undefined)
    throw new CodedError("key-missing", `${paths.key} is missing; enrol again: flotilla-agent enrol --again …`);
  const host = await openHost({ folder: config.stateDir, timeZone: config.timeZone });
  const server = new URL(config.server);
  const transport = createTransport({ trust: await trustOf(config, environment), proxy: environment.proxy });
  const identity = { device: config.device, bootId: host.bootId, instanceId: uuidv7(clock.now()), sign: key.sign };
  const userAgent = `flotilla-agent/${AGENT_VERSION}`;
  const link = createLink({ server, identity, transport, clock, log, userAgent });
  const blobs = await openBlobStore(paths.blobs, clock);
  const agent = createAgent({
    engine: createDockerEngine({ address: config.engine ?? environment.engine, clock, log }),
    link,
    store: createFileStore(paths.journal, log),
    blobs,
    fetcher: createFetcher({ server, send: transport.send, tokens: link.tokens, blobs, clock, log }),
    host,
    clock,
    log,
    targetKey: config.targetKey,
    deviceId: config.device,
    agentVersion: AGENT_VERSION,
  });
  await serveStatus(paths.socket, agent, AGENT_VERSION, signal);
  log.info(
    { version: AGENT_VERSION, device: config.device, name: config.name, server: config.server },
    "agent started",
  );
  await Promise.all([agent.run(signal), watch(options, log, signal)]);
  log.info({}, "agent stopped");
}

async function watch({ environment, clock }: RunOptions, log: Log, signal: AbortSignal): Promise<void> {
  if (environment.watchdog !== undefined) await feedWatchdog(environment.watchdog, clock, log, signal);
}

/** Two agents on one state folder would fight over containers and journal. */
async function refuseSecond(socket: string): Promise<void> {
  const other = await askStatus(socket);
  if (other !== undefined)
    throw new CodedError(
      "already-running",
      `the agent runs already (process ${other.pid}); see: flotilla-agent status`,
    );
}
