import type { WebSocket } from "ws";
import type { Context } from "../context.ts";
import type { Presence } from "../devices/presence.ts";
import { type AgentStart, createKeyConflicts } from "./conflicts.ts";
import type { Session } from "./session.ts";

/** How often a quiet connection is pinged: with TCP/IP and TLS a round trip costs about 208 bytes, 10 MB a month. */
export const PING_INTERVAL_MS = 50_000;
/** A ping without an answer for so long means that the device is gone. */
const PONG_DEADLINE_MS = 10_000;
const SWEEP_MS = 5000;
/** A replaced device waits: two that share a key must not fight for the connection. */
const REPLACED_RETRY_MS = 60_000;
/** Devices told to come back after a restart, a second. */
const RETURN_PER_SECOND = 100;
const MIN_RETURN_MS = 2000;
const CLOSE_GRACE_MS = 1000;

interface Connection {
  readonly session: Session;
  readonly socket: WebSocket;
  heardAt: number;
  pingedAt: number | undefined;
}

/** The connections of devices that were welcomed, one of each device. */
export interface Connections {
  add(session: Session, socket: WebSocket): void;
  /** Whether the session is still its device's one connection. */
  isCurrent(session: Session): boolean;
  /** Tells every device when to come back, and ends. */
  close(): Promise<void>;
}

export function createConnections(context: Context, presence: Presence): Connections {
  const devices = new Map<string, Connection>();
  const conflicts = createKeyConflicts(context.clock);
  const stopped = new AbortController();
  const unsubscribe = listen(context, devices);
  const sweeping = sweep(context, devices, { signal: stopped.signal, onSweep: () => conflicts.prune() });
  return {
    isCurrent: (session) => devices.get(session.proven.device)?.session === session,
    add(session, socket) {
      const { project, device } = session.proven;
      const other = conflicts.connected(device, session.proven);
      if (other !== undefined) recordConflict(context, session, other);
      devices.get(device)?.session.end({
        code: "replaced",
        message: "the device connected again with the same key",
        close: "replaced",
        retryAfterMs: REPLACED_RETRY_MS,
      });
      const connection: Connection = { session, socket, heardAt: context.clock.monotonic(), pingedAt: undefined };
      devices.set(device, connection);
      presence.connected(project, device);
      const heard = () => {
        connection.heardAt = context.clock.monotonic();
        connection.pingedAt = undefined;
      };
      socket.on("pong", heard).on("message", heard);
      socket.on("close", () => {
        if (devices.get(device) !== connection) return;
        devices.delete(device);
        presence.disconnected(project, device);
      });
    },
    async close() {
      for (const stop of unsubscribe) stop();
      stopped.abort();
      await sweeping;
      await sendAway(context, [...devices.values()]);
    },
  };
}

function listen({ bus }: Context, devices: ReadonlyMap<string, Connection>): readonly (() => void)[] {
  return [
    bus.subscribe("device.target", ({ device }) => devices.get(device)?.session.offerTarget()),
    bus.subscribe("device.forgive", ({ device, app, release }) =>
      devices.get(device)?.session.send({ type: "forgive", app, release }),
    ),
    bus.subscribe("device.revoked", ({ device }) =>
      devices.get(device)?.session.end({
        code: "device-revoked",
        message: "the device was revoked",
        close: "revoked",
      }),
    ),
  ];
}

/** Pings quiet connections and ends those that do not answer, from one loop for all of them. */
async function sweep(
  { clock }: Context,
  devices: ReadonlyMap<string, Connection>,
  { signal, onSweep }: { readonly signal: AbortSignal; readonly onSweep: () => void },
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(SWEEP_MS, signal).catch(() => undefined);
    const now = clock.monotonic();
    for (const connection of devices.values()) {
      if (connection.pingedAt !== undefined && now - connection.pingedAt >= PONG_DEADLINE_MS)
        connection.socket.terminate();
      else if (connection.pingedAt === undefined && now - connection.heardAt >= PING_INTERVAL_MS - SWEEP_MS) {
        connection.pingedAt = now;
        connection.socket.ping();
      }
    }
    onSweep();
  }
}

function recordConflict({ database, events, log }: Context, { proven }: Session, other: AgentStart): void {
  const { project, device, name, bootId, instanceId } = proven;
  const data = { name, bootIds: [other.bootId, bootId], instanceIds: [other.instanceId, instanceId] };
  const actor = { kind: "rule", id: "key-conflict" } as const;
  const event = { project, actor, action: "device.key-conflict", subject: `device/${device}`, data };
  log.warn({ device, project, ...data }, "two machines use one device key");
  database
    .write((trx) => events.append(trx, event))
    .catch((error: unknown) => log.error({ error, device }, "key conflict not recorded"));
}

async function sendAway({ clock }: Context, connections: readonly Connection[]): Promise<void> {
  const spreadMs = Math.max(MIN_RETURN_MS, (connections.length / RETURN_PER_SECOND) * 1000);
  const closed = connections.map(({ socket }) => new Promise<void>((resolve) => socket.once("close", () => resolve())));
  for (const { session } of connections)
    session.end({
      code: "restarting",
      message: "the server stops; come back",
      close: "slowDown",
      retryAfterMs: Math.random() * spreadMs,
    });
  const grace = new AbortController();
  await Promise.race([Promise.all(closed), clock.sleep(CLOSE_GRACE_MS, grace.signal).catch(() => undefined)]);
  grace.abort();
  for (const { socket } of connections) socket.terminate();
}
