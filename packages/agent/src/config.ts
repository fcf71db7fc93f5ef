import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import type { LogLevel } from "@flotilla/base/log";
import { type ProxySettings, proxySettingsOf } from "@flotilla/oci/http/proxy";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { isAbsent, replaceFile } from "./blobs/durable.ts";
import { DEFAULT_ENGINE_ADDRESS } from "./docker/address.ts";
import type { Trust } from "./link/transport.ts";

export const DEFAULT_CONFIG_PATH = "/etc/flotilla/agent.json";
export const DEFAULT_STATE_DIR = "/var/lib/flotilla";

/** The file `agent.json`, written by `enrol`. Members that are not known are errors. */
export const AgentConfig = Type.Object(
  {
    format: Type.Literal(1),
    /** The server's public URL. */
    server: Type.String({ minLength: 1, maxLength: 2000 }),
    device: Type.String({ minLength: 1, maxLength: 64 }),
    project: Type.String({ maxLength: 100 }),
    name: Type.String({ maxLength: 100 }),
    /** SPKI DER, base64: the key whose targets the device accepts. */
    targetKey: Type.String({ minLength: 1, maxLength: 300 }),
    /** PEM of the server's own CA, pinned at the enrolment: the only one believed. Absent: the system's authorities. */
    pinnedCa: Type.Optional(Type.String({ maxLength: 100_000 })),
    stateDir: Type.String({ minLength: 1, maxLength: 4000 }),
    engine: Type.Optional(Type.String({ maxLength: 1000 })),
    /** IANA time zone of the device, when the machine's own is not right. */
    timeZone: Type.Optional(Type.String({ maxLength: 100 })),
    logLevel: Type.Optional(Type.Enum(["debug", "info", "warn", "error"])),
  },
  { additionalProperties: false },
);
export type AgentConfig = Static<typeof AgentConfig>;

/** What the environment decides; `flotilla-agent --help` lists the names. */
export interface Environment {
  readonly configPath: string;
  readonly stateDir: string;
  readonly engine: string;
  readonly proxy: ProxySettings;
  /** File with certificates that are trusted beside the system's. */
  readonly extraCaPath: string | undefined;
  readonly logLevel: LogLevel | undefined;
  /** Server and token with which `run` enrols a device that is not enrolled yet, as a container is told them. */
  readonly enrolment:
    | { readonly server: string; readonly token: string; readonly name: string | undefined }
    | undefined;
  /** systemd's notification socket and watchdog interval (sd_notify(3), sd_watchdog_enabled(3)). */
  readonly watchdog: { readonly intervalMs: number } | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

export function readEnvironment(variables: Variables): Environment {
  const server = variables["FLOTILLA_AGENT_SERVER"];
  const token = variables["FLOTILLA_AGENT_TOKEN"];
  const name = variables["FLOTILLA_AGENT_NAME"] || undefined;
  const level = variables["FLOTILLA_AGENT_LOG_LEVEL"];
  const watchdogUs = Number(variables["WATCHDOG_USEC"]);
  const isWatched = variables["NOTIFY_SOCKET"] !== undefined && watchdogUs > 0;
  return {
    configPath: variables["FLOTILLA_AGENT_CONFIG"] || DEFAULT_CONFIG_PATH,
    stateDir: variables["FLOTILLA_AGENT_STATE_DIR"] || DEFAULT_STATE_DIR,
    engine: variables["DOCKER_HOST"] || DEFAULT_ENGINE_ADDRESS,
    proxy: proxySettingsOf(variables),
    extraCaPath: variables["FLOTILLA_AGENT_CA_FILE"] || undefined,
    logLevel: level === "debug" || level === "info" || level === "warn" || level === "error" ? level : undefined,
    enrolment: server && token ? { server, token, name } : undefined,
    watchdog: isWatched ? { intervalMs: watchdogUs / 2000 } : undefined,
  };
}

/** Reads the configuration; undefined when the device is not enrolled. Throws `config-invalid`, naming the member. */
export async function readConfig(path: string): Promise<AgentConfig | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const value = parseJson(path, text);
  if (Value.Check(AgentConfig, value)) return value;
  const [first] = Value.Errors(AgentConfig, value);
  throw new CodedError("config-invalid", `${path}: ${first?.instancePath || "/"} ${first?.message ?? "is wrong"}`);
}

export async function writeConfig(path: string, config: AgentConfig): Promise<void> {
  await replaceFile(path, `${JSON.stringify(config, undefined, 2)}\n`, 0o600);
}

/** Whom to believe when talking to the server. */
export async function trustOf(config: { pinnedCa?: string }, environment: Environment): Promise<Trust> {
  if (config.pinnedCa !== undefined) return { kind: "pinned", pem: config.pinnedCa };
  const path = environment.extraCaPath;
  return { kind: "system", extraPem: path === undefined ? undefined : await readFile(path, "utf8") };
}

/** Files and folders below the state folder. */
export function statePaths(stateDir: string): {
  readonly key: string;
  readonly journal: string;
  readonly blobs: string;
  readonly socket: string;
} {
  return {
    key: join(stateDir, "device.key"),
    journal: join(stateDir, "journal.json"),
    blobs: join(stateDir, "blobs"),
    socket: join(stateDir, "agent.sock"),
  };
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError("config-invalid", `${path} is not JSON`, { cause });
  }
}
