import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { deadlineSignal } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { type DeviceFacts, EnrolResponse } from "@flotilla/protocol/device";
import { enrolBytes, parseProvisioningToken } from "@flotilla/protocol/provisioning-token";
import { Value } from "typebox/value";
import { type AgentConfig, type Environment, readConfig, statePaths, trustOf, writeConfig } from "../config.ts";
import { type DeviceKey, ensureDeviceKey } from "../host/device-key.ts";
import { createTransport, type Transport } from "../link/transport.ts";
import { fetchPinnedCa } from "./pin-ca.ts";
import { readBody } from "./read-body.ts";

const ENROL_DEADLINE_MS = 60_000;

export interface EnrolOptions {
  readonly server: string;
  /** `flp_…` */
  readonly token: string;
  readonly name?: string | undefined;
  /** Makes a new key and a new device even when the machine is enrolled; the old device stays known to the server. */
  readonly again?: boolean;
  readonly configPath: string;
  readonly stateDir: string;
  /** Engine address to write into the configuration. */
  readonly engine: string;
  readonly environment: Environment;
  facts(): Promise<DeviceFacts>;
}

export type Enrolled = { readonly kind: "enrolled" | "already"; readonly config: AgentConfig };

/**
 * Makes this machine a device of the token's project: its own key, the server's CA pinned by the fingerprint in the token, and the
 * configuration written last, so that an interrupted enrolment is simply done again. Enrolled already at this server: nothing happens.
 */
export async function enrol(options: EnrolOptions): Promise<Enrolled> {
  const server = parseServer(options.server);
  const known = options.again ? undefined : await readConfig(options.configPath);
  if (known !== undefined) return { kind: "already", config: sameServer(known, server, options.configPath) };
  const token = parseProvisioningToken(options.token.trim());
  if (token === undefined)
    throw new CodedError(
      "bad-token",
      "this is no provisioning token; it starts with flp_ and is shown once when it is made",
    );
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
  await mkdir(dirname(options.configPath), { recursive: true, mode: 0o755 });
  const paths = statePaths(options.stateDir);
  const keyPath = options.again ? `${paths.key}.new` : paths.key;
  const key = await ensureDeviceKey(keyPath);
  const pinnedCa = await pin(server, token.caFingerprint, options.environment);
  const trust = await trustOf(pinnedCa === undefined ? {} : { pinnedCa }, options.environment);
  const transport = createTransport({ trust, proxy: options.environment.proxy });
  const response = await request(transport, server, options, key);
  const config: AgentConfig = {
    format: 1,
    server: server.origin,
    device: response.device,
    project: response.project,
    name: response.name,
    targetKey: response.targetKey,
    ...(pinnedCa === undefined ? {} : { pinnedCa }),
    stateDir: options.stateDir,
    engine: options.engine,
  };
  if (options.again) await becomeAnother(keyPath, paths);
  await writeConfig(options.configPath, config);
  return { kind: "enrolled", config };
}

/** The new key takes the old one's place; targets that the old device held are not the new one's. Containers and volumes stay. */
async function becomeAnother(newKey: string, paths: ReturnType<typeof statePaths>): Promise<void> {
  for (const journal of [paths.journal, `${paths.journal}.previous`]) await rm(journal, { force: true });
  await rename(newKey, paths.key);
}

function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new CodedError("bad-server", `"${text}" is no server URL; write it as https://fleet.example`);
  return url;
}

function sameServer(config: AgentConfig, server: URL, path: string): AgentConfig {
  if (config.server === server.origin) return config;
  throw new CodedError(
    "enrolled-elsewhere",
    `this machine is enrolled at ${config.server}; to enrol it here use --again (${path} is replaced)`,
  );
}

async function pin(
  server: URL,
  fingerprint: string | undefined,
  environment: Environment,
): Promise<string | undefined> {
  if (fingerprint === undefined || server.protocol === "http:") return undefined;
  return fetchPinnedCa(server, fingerprint, environment.proxy);
}

async function request(
  transport: Transport,
  server: URL,
  options: EnrolOptions,
  key: DeviceKey,
): Promise<EnrolResponse> {
  const token = options.token.trim();
  const proof = Buffer.from(key.sign(enrolBytes(token, key.publicKey))).toString("base64");
  const name = options.name === undefined ? {} : { name: options.name };
  const body = { token, publicKey: key.publicKey, proof, ...name, facts: await options.facts() };
  const response = await transport.send({
    method: "POST",
    url: new URL("/api/v1/device/enrol", server),
    headers: { "content-type": "application/json", accept: "application/json" },
    body: Buffer.from(JSON.stringify(body)),
    signal: deadlineSignal(ENROL_DEADLINE_MS),
  });
  const answer = parseAnswer(await readBody(response.body));
  if (response.status !== 200 && response.status !== 201) throw refusal(response.status, answer);
  if (!Value.Check(EnrolResponse, answer))
    throw new CodedError(
      "unexpected-response",
      "the server's answer to the enrolment was not understood; is it a Flotilla server?",
    );
  return answer;
}

function parseAnswer(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined; // told by the status or by the schema
  }
}

function refusal(status: number, answer: unknown): CodedError {
  const { code, detail } = (answer ?? {}) as { code?: unknown; detail?: unknown };
  return new CodedError(
    typeof code === "string" ? code : "enrol-refused",
    typeof detail === "string" ? detail.slice(0, 1000) : `the server answered ${status} to the enrolment`,
  );
}
