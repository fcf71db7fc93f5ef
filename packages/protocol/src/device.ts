import { type Static, Type } from "typebox";
import { Envelope } from "./dsse.ts";
import { AppName, DigestText } from "./target.ts";

/** Largest device message in either direction. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

const ShortText = Type.String({ maxLength: 300 });
const LongText = Type.String({ maxLength: 4000 });
const Instant = Type.String({ maxLength: 40 });

/** What a device says of itself. */
export const DeviceFacts = Type.Object({
  hostname: ShortText,
  os: ShortText,
  kernel: ShortText,
  /** OCI names: `amd64`, `arm64`, `arm`; variant `v7` and so on. */
  architecture: ShortText,
  variant: Type.Optional(ShortText),
  cpus: Type.Integer({ minimum: 0 }),
  memoryBytes: Type.Integer({ minimum: 0 }),
  diskBytes: Type.Integer({ minimum: 0 }),
  engineVersion: ShortText,
  engineApi: ShortText,
  /** `overlay2` and other graph drivers, or `containerd`. */
  imageStore: ShortText,
  agentVersion: ShortText,
  timeZone: ShortText,
});
export type DeviceFacts = Static<typeof DeviceFacts>;

export const ContainerState = Type.Object({
  service: ShortText,
  replica: Type.Integer({ minimum: 1 }),
  containerId: ShortText,
  /** Config digest of the image it runs. */
  image: DigestText,
  /** The engine's word: `running`, `exited`, `restarting`, … */
  state: ShortText,
  health: Type.Union([
    Type.Literal("healthy"),
    Type.Literal("unhealthy"),
    Type.Literal("starting"),
    Type.Literal("none"),
  ]),
  restarts: Type.Integer({ minimum: 0 }),
  exitCode: Type.Optional(Type.Integer()),
});
export type ContainerState = Static<typeof ContainerState>;

/** Where an app stands on its way to its target. `idle` means that there is nothing to do. */
export const AppPhase = Type.Enum([
  "idle",
  "preflight",
  "downloading",
  "loading",
  "switching",
  "probation",
  "restoring",
  "removing",
  "waiting",
]);
export type AppPhase = Static<typeof AppPhase>;

/**
 * The device's last word on a (release, variables) pair. `commit`: it runs and proved healthy. `rollback`: it was started and failed; the
 * previous release was restored. `refused`: it was never started (preflight, unsupported, download impossible). Codes are kebab-case.
 */
export const Verdict = Type.Object({
  kind: Type.Union([Type.Literal("commit"), Type.Literal("rollback"), Type.Literal("refused")]),
  release: DigestText,
  variablesHash: DigestText,
  code: ShortText,
  reason: LongText,
  at: Instant,
});
export type Verdict = Static<typeof Verdict>;

export const AppState = Type.Object({
  /** The release whose containers run now and is committed; absent when none is. */
  release: Type.Optional(DigestText),
  variablesHash: Type.Optional(DigestText),
  phase: AppPhase,
  /** The release it is moving to, while `phase` is not `idle`. */
  target: Type.Optional(DigestText),
  progress: Type.Optional(
    Type.Object({ doneBytes: Type.Integer({ minimum: 0 }), totalBytes: Type.Integer({ minimum: 0 }) }),
  ),
  verdict: Type.Optional(Verdict),
  containers: Type.Array(ContainerState, { maxItems: 500 }),
});
export type AppState = Static<typeof AppState>;

// ---- server → device

/** First message on a connection. The device signs the nonce. */
export const Challenge = Type.Object({
  type: Type.Literal("challenge"),
  nonce: Type.String({ minLength: 16, maxLength: 100 }),
  protocol: Type.Object({ oldest: Type.Integer(), newest: Type.Integer() }),
  serverTime: Instant,
});
export const Welcome = Type.Object({
  type: Type.Literal("welcome"),
  serverTime: Instant,
  /** The server pings this often; a device that hears nothing for twice as long reconnects. */
  pingIntervalMs: Type.Integer({ minimum: 1000 }),
  /** Whether the server wants the whole state in the next report (it has none, or another boot's). */
  fullReport: Type.Boolean(),
});
export const TargetMessage = Type.Object({ type: Type.Literal("target"), envelope: Envelope });
/** The report with this sequence is stored. */
export const Ack = Type.Object({ type: Type.Literal("ack"), seq: Type.Integer() });
/** A person allowed this pair again: forget that it was bad. */
export const Forgive = Type.Object({ type: Type.Literal("forgive"), app: AppName, release: DigestText });
/** A token for the registry: `docker login` user `device`, or `Authorization: Bearer`. */
export const TokenGrant = Type.Object({
  type: Type.Literal("token"),
  token: Type.String({ maxLength: 2000 }),
  expiresAt: Instant,
});
/** Sent before the server closes a connection for a reason that the device should know. */
export const Refusal = Type.Object({
  type: Type.Literal("refusal"),
  code: ShortText,
  message: LongText,
  retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 })),
});
export const ServerMessage = Type.Union([Challenge, Welcome, TargetMessage, Ack, Forgive, TokenGrant, Refusal]);
export type ServerMessage = Static<typeof ServerMessage>;

// ---- device → server

/** Answer to the challenge. `signature` is Ed25519, base64, over {@link helloBytes}. */
export const Hello = Type.Object({
  type: Type.Literal("hello"),
  protocol: Type.Integer({ minimum: 1 }),
  device: Type.String({ maxLength: 64 }),
  /** Changes with every start of the machine. */
  bootId: Type.String({ maxLength: 64 }),
  /** Changes with every start of the agent. */
  instanceId: Type.String({ maxLength: 64 }),
  deviceTime: Instant,
  /** Version of the target that the device holds; 0 when it holds none. */
  targetVersion: Type.Integer({ minimum: 0 }),
  signature: Type.String({ maxLength: 200 }),
});
export type Hello = Static<typeof Hello>;

/** What changed since the last acknowledged report; with `full`, everything. `null` says that an app is gone. */
export const Report = Type.Object({
  type: Type.Literal("report"),
  seq: Type.Integer({ minimum: 1 }),
  bootId: Type.String({ maxLength: 64 }),
  deviceTime: Instant,
  full: Type.Boolean(),
  targetVersion: Type.Integer({ minimum: 0 }),
  facts: Type.Optional(DeviceFacts),
  apps: Type.Optional(Type.Record(AppName, Type.Union([AppState, Type.Null()]), { additionalProperties: false })),
});
export type Report = Static<typeof Report>;
export const TokenRequest = Type.Object({ type: Type.Literal("token-request") });
export const DeviceMessage = Type.Union([Hello, Report, TokenRequest]);
export type DeviceMessage = Static<typeof DeviceMessage>;

/** The bytes a device signs to prove that it holds its key on this connection. */
export function helloBytes(
  nonce: string,
  hello: Pick<Hello, "device" | "bootId" | "instanceId" | "protocol">,
): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    ["flotilla-hello-v1", nonce, hello.device, hello.bootId, hello.instanceId, String(hello.protocol)].join("\n"),
  );
}

/** WebSocket close codes of ours (RFC 6455 §7.4.2, private use). The reason text is the refusal's code. */
export const CLOSE_CODES = { refused: 4000, revoked: 4001, replaced: 4002, protocol: 4003, slowDown: 4004 } as const;

/** Path of the device gateway. */
export const GATEWAY_PATH = "/api/v1/device/connect";

/** Enrolment: `POST /api/v1/device/enrol`. `proof` is Ed25519 over `flotilla-enrol-v1\n<token>\n<publicKey>`, base64. */
export const EnrolRequest = Type.Object({
  token: Type.String({ maxLength: 500 }),
  /** SPKI DER of an Ed25519 key, base64. */
  publicKey: Type.String({ maxLength: 200 }),
  proof: Type.String({ maxLength: 200 }),
  name: Type.Optional(Type.String({ maxLength: 100 })),
  facts: DeviceFacts,
});
export type EnrolRequest = Static<typeof EnrolRequest>;
export const EnrolResponse = Type.Object({
  device: Type.String(),
  project: Type.String(),
  name: Type.String(),
  /** SPKI DER of the server's target-signing key, base64: the device accepts targets signed by it and no other. */
  targetKey: Type.String(),
});
export type EnrolResponse = Static<typeof EnrolResponse>;
