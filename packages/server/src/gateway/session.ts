import { isCoded } from "@flotilla/base/errors";
import type { DeviceMessage, Report, ServerMessage } from "@flotilla/protocol/device";
import type { WebSocket } from "ws";
import type { Context } from "../context.ts";
import type { Targets } from "../targets/targets.ts";
import type { Proven } from "./handshake.ts";
import { createBucket } from "./message-bucket.ts";
import type { ReportWriter } from "./reports.ts";
import { MAX_APPS, type ReportResult } from "./store-report.ts";
import { type Refused, refuse, sendMessage } from "./wire.ts";

/** Reports that a device may have on the way to the disk. */
const MAX_UNACKNOWLEDGED = 16;
/** A registry token is handed out again until it is so near its end. */
const TOKEN_REUSE_MS = 5 * 60_000;
const BUSY_RETRY_MS = 15_000;

export interface SessionOptions {
  readonly context: Context;
  readonly targets: Targets;
  readonly reports: ReportWriter;
  readonly proven: Proven;
  readonly socket: WebSocket;
}

/** A device that was welcomed, until its connection ends. */
export interface Session {
  readonly proven: Proven;
  /** A message after the hello. */
  receive(message: DeviceMessage): void;
  /** Sends the target when it is not the one that the device holds. */
  offerTarget(): void;
  send(message: ServerMessage): void;
  end(refused: Refused): void;
}

export function createSession(options: SessionOptions): Session {
  const { context, proven, socket } = options;
  const bucket = createBucket(context.clock);
  const end = (refused: Refused) => refuse(socket, refused);
  const send = (message: ServerMessage) => sendMessage(socket, message);
  /** Work of one connection that failed: our bug, or a full disk. The device comes back later. */
  const failed = (error: unknown) => {
    context.log.error({ error, device: proven.device }, "device message failed");
    end({
      code: "unavailable",
      message: "the server could not do this",
      close: "slowDown",
      retryAfterMs: BUSY_RETRY_MS,
    });
  };
  const writeReport = createReportReceiver(options, { send, end, failed });
  const grant = createTokenGrant(options, { send, failed });
  return {
    proven,
    send,
    end,
    offerTarget: createTargetOffer(options, { send, failed }),
    receive(message) {
      if (!bucket.take())
        return end({ code: "too-many-messages", message: "slower", close: "slowDown", retryAfterMs: BUSY_RETRY_MS });
      switch (message.type) {
        case "hello":
          return end({ code: "protocol-error", message: "hello comes once", close: "protocol" });
        case "report":
          return writeReport(message);
        case "token-request":
          return grant();
      }
    },
  };
}

interface Voice {
  readonly send: (message: ServerMessage) => void;
  readonly failed: (error: unknown) => void;
}

function createReportReceiver(
  { reports, proven }: SessionOptions,
  { send, end, failed }: Voice & { readonly end: (refused: Refused) => void },
): (report: Report) => void {
  let waiting = 0;
  return (report) => {
    if (report.bootId !== proven.bootId)
      return end({ code: "protocol-error", message: "the boot id is not the hello's", close: "protocol" });
    if (waiting >= MAX_UNACKNOWLEDGED)
      return end({
        code: "too-many-messages",
        message: "wait for acks",
        close: "slowDown",
        retryAfterMs: BUSY_RETRY_MS,
      });
    waiting++;
    reports.write(proven, report).then((result) => {
      waiting--;
      if (result === "stored" || result === "stale") send({ type: "ack", seq: report.seq });
      else end(refusalOf(result));
    }, failed);
  };
}

function refusalOf(result: Exclude<ReportResult, "stored" | "stale"> | "busy"): Refused {
  switch (result) {
    case "busy":
      return { code: "slow-down", message: "too many reports at once", close: "slowDown", retryAfterMs: BUSY_RETRY_MS };
    case "full-needed":
      return { code: "full-report-needed", message: "send the whole state first", close: "protocol" };
    case "too-much":
      return { code: "too-much", message: `a device reports at most ${MAX_APPS} apps`, close: "protocol" };
    case "gone":
      return { code: "device-revoked", message: "the device was revoked or deleted", close: "revoked" };
  }
}

/** Offers run one after another; those asked for meanwhile become one. */
function createTargetOffer({ targets, proven }: SessionOptions, { send, failed }: Voice): () => void {
  let held = proven.heldVersion;
  let running = false;
  let again = false;
  const run = async () => {
    do {
      again = false;
      const target = await targets.current(proven.project, proven.device, held);
      if (target !== undefined && target.version !== held) {
        send({ type: "target", envelope: target.envelope() });
        held = target.version;
      }
    } while (again);
  };
  return () => {
    again = true;
    if (running) return;
    running = true;
    run()
      .catch(failed)
      .finally(() => {
        running = false;
      });
  };
}

function createTokenGrant({ context, proven }: SessionOptions, { send, failed }: Voice): () => void {
  let granted: { readonly token: string; readonly expiresAt: string } | undefined;
  return () => {
    if (granted !== undefined && Date.parse(granted.expiresAt) - context.clock.now() > TOKEN_REUSE_MS)
      return send({ type: "token", ...granted });
    context.access.grantDeviceToken(proven.device, proven.project).then(
      (token) => {
        granted = token;
        send({ type: "token", ...token });
      },
      (error: unknown) => (isCoded(error) ? undefined : failed(error)),
    );
  };
}
