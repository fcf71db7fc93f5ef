import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from "node:crypto";
import { systemClock, toInstant } from "@flotilla/base/clock";
import {
  type AppState,
  type DeviceFacts,
  type DeviceMessage,
  EnrolResponse,
  GATEWAY_PATH,
  helloBytes,
  type Report,
  type ServerMessage,
} from "@flotilla/protocol/device";
import { preAuthEncoding } from "@flotilla/protocol/dsse";
import { enrolBytes } from "@flotilla/protocol/provisioning-token";
import type { AppTarget, TargetDocument } from "@flotilla/protocol/target";
import { PROTOCOL_VERSION } from "@flotilla/protocol/version";
import { WebSocket } from "ws";
import type { TestServer } from "../testing.ts";

export const FACTS: DeviceFacts = {
  hostname: "press-7.example",
  os: "Debian GNU/Linux 13",
  kernel: "6.12",
  architecture: "arm64",
  cpus: 4,
  memoryBytes: 2 ** 31,
  diskBytes: 2 ** 35,
  engineVersion: "28.5.1",
  engineApi: "1.51",
  imageStore: "overlay2",
  agentVersion: "0.1.0",
  timeZone: "Europe/Oslo",
};

type Of<T extends ServerMessage["type"]> = Extract<ServerMessage, { type: T }>;

export interface FakeDeviceOptions {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly project?: string;
  /** A provisioning token; one is made when absent. */
  readonly token?: string;
}

/** A device with its own key that speaks the protocol as a test tells it to. */
export interface FakeDevice {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly bootId: string;
  readonly key: KeyObject;
  readonly targetKey: string;
  readonly enrolledAt: string;
  /** Connects and answers the challenge; resolves when it is welcomed or refused. */
  connect(options?: ConnectOptions): Promise<FakeConnection>;
}

export interface ConnectOptions {
  readonly instanceId?: string;
  readonly targetVersion?: number;
  readonly protocol?: number;
  /** Signs with another key. */
  readonly key?: KeyObject;
  /** Whether it answers pings; default true. */
  readonly autoPong?: boolean;
}

/** What a device makes of a target. */
export type Behaviour = "commit" | "rollback" | "refused" | "ignore";

export interface FakeConnection {
  /** Messages that came, in order. */
  readonly messages: readonly ServerMessage[];
  /** The first message of this type that was not taken yet, whenever it comes; rejects when the connection ends before. */
  next<T extends ServerMessage["type"]>(type: T): Promise<Of<T>>;
  /** The next target, its signature checked against the key of the enrolment. */
  target(): Promise<TargetDocument>;
  send(message: DeviceMessage | string): void;
  /** Sends a report with the next sequence number and resolves when it is acknowledged. */
  report(apps: Readonly<Record<string, AppState | null>>, more?: Partial<Report>): Promise<void>;
  /** From now on does what each target says and reports the verdict that `behave` gives for it. */
  obey(behave?: (app: string, target: AppTarget) => Behaviour | Promise<Behaviour>): void;
  /** Resolves at the first ping. */
  readonly pinged: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  close(): Promise<void>;
}

/** A token that enrols many devices. */
export async function provisioningToken(server: TestServer, options: FakeDeviceOptions = {}): Promise<string> {
  const { CreatedProvisioningToken } = await import("@flotilla/protocol/api/devices");
  const path = `/api/v1/projects/${options.project ?? "default"}/provisioning-tokens`;
  const body = { maxUses: 1000, ...(options.labels === undefined ? {} : { labels: options.labels }) };
  return (await server.client.post(path, body, CreatedProvisioningToken)).token;
}

/** Enrols a new device over the API. */
export async function enrolFakeDevice(server: TestServer, options: FakeDeviceOptions = {}): Promise<FakeDevice> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const token = options.token ?? (await provisioningToken(server, options));
  const request = enrolmentOf(privateKey, token, options.name);
  const answer = await server.client.post("/api/v1/device/enrol", request, EnrolResponse);
  const bootId = randomUUID();
  const { device: id, project, name, targetKey } = answer;
  const enrolledAt = toInstant(server.context.clock.now());
  const device = { id, project, name, targetKey, enrolledAt, bootId, key: privateKey };
  return { ...device, connect: (connect = {}) => connectFakeDevice(server, device, connect) };
}

/** The same device, at a server that was started again. */
export function withServer(server: TestServer, device: FakeDevice): FakeDevice {
  return { ...device, connect: (connect = {}) => connectFakeDevice(server, device, connect) };
}

/** The body of an enrolment. */
export function enrolmentOf(key: KeyObject, token: string, name?: string) {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
  const proof = sign(null, enrolBytes(token, publicKey), key).toString("base64");
  return { token, publicKey, proof, facts: FACTS, ...(name === undefined ? {} : { name }) };
}

async function connectFakeDevice(
  server: TestServer,
  device: Omit<FakeDevice, "connect">,
  options: ConnectOptions,
): Promise<FakeConnection> {
  const socket = new WebSocket(server.url.replace("http", "ws") + GATEWAY_PATH, {
    perMessageDeflate: false,
    autoPong: options.autoPong ?? true,
  });
  const connection = converse(socket, device);
  const { nonce } = await connection.next("challenge");
  const { id, bootId } = device;
  const instanceId = options.instanceId ?? randomUUID();
  const who = { protocol: options.protocol ?? PROTOCOL_VERSION, device: id, bootId, instanceId };
  connection.send({
    type: "hello",
    ...who,
    deviceTime: toInstant(systemClock.now()),
    targetVersion: options.targetVersion ?? 0,
    signature: sign(null, helloBytes(nonce, who), options.key ?? device.key).toString("base64"),
  });
  await Promise.race([connection.next("welcome").catch(() => undefined), connection.closed]);
  return connection;
}

interface Waiter {
  readonly type: string;
  readonly resolve: (message: ServerMessage) => void;
  readonly reject: (error: Error) => void;
}

function converse(socket: WebSocket, device: Omit<FakeDevice, "connect">): FakeConnection {
  const messages: ServerMessage[] = [];
  const untaken: ServerMessage[] = [];
  const waiters: Waiter[] = [];
  let seq = 0;
  let targetVersion = 0;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      for (const waiter of waiters.splice(0))
        waiter.reject(new Error(`closed (${code} ${reason}) while waiting for ${waiter.type}`));
      resolve({ code, reason: reason.toString() });
    });
  });
  const pinged = new Promise<void>((resolve) => socket.once("ping", () => resolve()));
  socket.on("error", () => undefined);
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString()) as ServerMessage;
    messages.push(message);
    const index = waiters.findIndex(({ type }) => type === message.type);
    const waiter = index === -1 ? undefined : waiters.splice(index, 1)[0];
    if (waiter === undefined) untaken.push(message);
    else waiter.resolve(message);
  });
  const connection: FakeConnection = {
    messages,
    pinged,
    closed,
    next<T extends ServerMessage["type"]>(type: T) {
      const index = untaken.findIndex((message) => message.type === type);
      if (index !== -1) return Promise.resolve(untaken.splice(index, 1)[0] as Of<T>);
      if (socket.readyState >= socket.CLOSING) return Promise.reject(new Error(`closed, no ${type} came`));
      return new Promise<Of<T>>((resolve, reject) => {
        waiters.push({ type, resolve: (message) => resolve(message as Of<T>), reject });
      });
    },
    async target() {
      const document = openTarget(device, (await connection.next("target")).envelope);
      targetVersion = document.version;
      return document;
    },
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    async report(apps, more = {}) {
      seq++;
      const { bootId } = device;
      const deviceTime = toInstant(systemClock.now());
      const base = { type: "report" as const, seq, bootId, deviceTime, full: seq === 1, targetVersion };
      connection.send({ ...base, apps: { ...apps }, ...more });
      await connection.next("ack");
    },
    obey(behave = () => "commit") {
      void follow(connection, behave);
    },
    async close() {
      socket.close();
      await closed;
    },
  };
  return connection;
}

async function follow(
  connection: FakeConnection,
  behave: NonNullable<Parameters<FakeConnection["obey"]>[0]>,
): Promise<void> {
  const running = new Map<string, AppTarget>();
  for (;;) {
    const target = await connection.target().catch(() => undefined);
    if (target === undefined) return;
    const apps: Record<string, AppState | null> = {};
    for (const app of running.keys()) if (target.apps[app] === undefined) apps[app] = null;
    for (const [app, wanted] of Object.entries(target.apps)) {
      const kind = await behave(app, wanted);
      if (kind === "ignore") continue;
      const before = running.get(app);
      const runs = kind === "commit" ? wanted : before;
      if (runs !== undefined) running.set(app, runs);
      apps[app] = stateAfter(kind, wanted, runs);
    }
    for (const [app, state] of Object.entries(apps)) if (state === null) running.delete(app);
    if (Object.keys(apps).length > 0) await connection.report(apps).catch(() => undefined);
  }
}

/** What a device says after it has tried `wanted` and runs `runs`. */
export function stateAfter(
  kind: "commit" | "rollback" | "refused",
  wanted: Pick<AppTarget, "release" | "variablesHash">,
  runs: Pick<AppTarget, "release" | "variablesHash"> | undefined,
): AppState {
  const { release, variablesHash } = wanted;
  const code = kind === "commit" ? "healthy" : "unhealthy";
  const verdict = { kind, release, variablesHash, code, reason: `web is ${code}`, at: toInstant(systemClock.now()) };
  const running = runs === undefined ? {} : { release: runs.release, variablesHash: runs.variablesHash };
  return { phase: "idle", ...running, verdict, containers: [] };
}

/** The document in a target envelope; throws unless the server's target key signed it for this device. */
export function openTarget(
  device: { readonly id: string; readonly targetKey: string },
  envelope: Of<"target">["envelope"],
): TargetDocument {
  const payload = Buffer.from(envelope.payload, "base64");
  const key = createPublicKey({ key: Buffer.from(device.targetKey, "base64"), format: "der", type: "spki" });
  const bytes = preAuthEncoding(envelope.payloadType, payload);
  if (!verify(null, bytes, key, Buffer.from(envelope.signatures[0]?.sig ?? "", "base64")))
    throw new Error("the target is not signed by the server's target key");
  const document = JSON.parse(payload.toString()) as TargetDocument;
  if (document.device !== device.id) throw new Error("the target is another device's");
  return document;
}
