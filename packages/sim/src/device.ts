import { generateKeyPairSync, sign } from "node:crypto";
import { join } from "node:path";
import { type Agent, createAgent } from "@flotilla/agent/agent";
import { openBlobStore } from "@flotilla/agent/blobs/blob-store";
import { createFetcher } from "@flotilla/agent/blobs/fetcher";
import { createFileStore } from "@flotilla/agent/blobs/file-store";
import { createFakeHost } from "@flotilla/agent/device.fake";
import { createFakeEngine, type FakeEngine } from "@flotilla/agent/engine.fake";
import { gatherFacts } from "@flotilla/agent/facts";
import { createLink } from "@flotilla/agent/link/link";
import { createTransport, type Trust } from "@flotilla/agent/link/transport";
import { AGENT_VERSION } from "@flotilla/agent/version";
import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import { uuidv7 } from "@flotilla/base/uuid";
import { EnrolResponse } from "@flotilla/protocol/device";
import { enrolBytes } from "@flotilla/protocol/provisioning-token";
import { Value } from "typebox/value";

const ENROL_MS = 60_000;

/** A simulated device: the production agent, link, downloads and blob store, over an engine in memory. */
export interface SimDevice {
  readonly name: string;
  readonly id: string;
  readonly agent: Agent;
  readonly engine: FakeEngine;
  /** Runs the agent until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface SimDeviceOptions {
  readonly server: URL;
  readonly trust?: Trust;
  readonly provisioningToken: string;
  readonly name: string;
  /** The device's own folder: blobs and journal. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** OCI name. Default `amd64`. */
  readonly architecture?: string;
  /** How slow its containers are: what an image does after a second, they do after `pace` seconds. Default 1. */
  readonly pace?: number;
}

/** Enrols a new device with its own key and puts an agent together for it. */
export async function createSimDevice(options: SimDeviceOptions): Promise<SimDevice> {
  const { server, clock, log, name, folder } = options;
  const transport = createTransport({ trust: options.trust ?? { kind: "system" }, proxy: undefined });
  const { pace, architecture } = options;
  const facts = architecture === undefined ? {} : { facts: { architecture } };
  const engine = createFakeEngine({ clock, ...facts, ...(pace === undefined ? {} : { pace }) });
  const bootId = uuidv7(clock.now());
  const host = createFakeHost(name, bootId);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const token = options.provisioningToken;
  const enrolled = await enrol(new URL("/api/v1/device/enrol", server), {
    token,
    publicKey: key,
    proof: sign(null, enrolBytes(token, key), privateKey).toString("base64"),
    name,
    facts: await gatherFacts({ engine, host }, AGENT_VERSION, AbortSignal.timeout(ENROL_MS)),
  });
  const identity = {
    device: enrolled.device,
    bootId,
    instanceId: uuidv7(clock.now()),
    sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
  };
  const link = createLink({ server, identity, transport, clock, log, userAgent: `flotilla-sim/${AGENT_VERSION}` });
  const blobs = await openBlobStore(join(folder, "blobs"), clock);
  const agent = createAgent({
    ...{ engine, link, blobs, host, clock, log },
    store: createFileStore(join(folder, "journal.json"), log),
    fetcher: createFetcher({ server, send: transport.send, tokens: link.tokens, blobs, clock, log }),
    targetKey: enrolled.targetKey,
    deviceId: enrolled.device,
    agentVersion: AGENT_VERSION,
  });
  return { name, id: enrolled.device, agent, engine, run: (signal) => agent.run(signal) };
}

async function enrol(url: URL, body: unknown): Promise<EnrolResponse> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ENROL_MS),
  });
  const answer: unknown = await response.json();
  if (response.ok && Value.Check(EnrolResponse, answer)) return answer;
  const { code, detail } = answer as { readonly code?: string; readonly detail?: string };
  throw new CodedError(code ?? "enrol-refused", detail ?? `the server answered ${response.status} to the enrolment`);
}
