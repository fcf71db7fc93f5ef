import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { GATEWAY_PATH, MAX_MESSAGE_BYTES } from "@flotilla/protocol/device";
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "@flotilla/protocol/version";
import { type WebSocket, WebSocketServer } from "ws";
import type { Context } from "../context.ts";
import type { Presence } from "../devices/presence.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import type { Targets } from "../targets/targets.ts";
import { createAdmission } from "./admission.ts";
import { type Connections, createConnections, PING_INTERVAL_MS } from "./connections.ts";
import { checkHello } from "./handshake.ts";
import { createReportWriter } from "./reports.ts";
import { createSession, type Session } from "./session.ts";
import { parseMessage, refuse, sendMessage } from "./wire.ts";

/** Time from the challenge to a hello that is proven. */
const HELLO_DEADLINE_MS = 15_000;
/** Largest that all may be that an unproven peer sends, its HTTP request included. */
const MAX_HELLO_BYTES = 32 * 1024;
/** Peers that have not proved themselves yet. */
const MAX_UNPROVEN = 1000;
const ADMIT_PER_SECOND = 200;
const ADMIT_BURST = 500;

export interface GatewayOptions {
  readonly context: Context;
  readonly targets: Targets;
  readonly presence: Presence;
  /** Connections admitted in a second; the burst is two and a half times as many. */
  readonly admitPerSecond?: number;
}

/** Serves the device protocol on the app's own port, at `GATEWAY_PATH`. Ends with the app. */
export function registerGateway(app: App, options: GatewayOptions): void {
  const { context } = options;
  const perSecond = options.admitPerSecond ?? ADMIT_PER_SECOND;
  const burst = perSecond === ADMIT_PER_SECOND ? ADMIT_BURST : perSecond * 2.5;
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    clientTracking: false,
  });
  const connections = createConnections(context, options.presence);
  const gateway: Gateway = {
    ...options,
    connections,
    reports: createReportWriter(context),
    admission: createAdmission({ clock: context.clock, perSecond, burst }),
    unproven: new Set(),
  };
  app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (request.url?.split("?", 1)[0] !== GATEWAY_PATH) return answer(socket, "404 Not Found");
    const retryAfterMs = gateway.admission.admit() ?? (gateway.unproven.size >= MAX_UNPROVEN ? 5000 : undefined);
    if (retryAfterMs !== undefined) return answer(socket, "503 Service Unavailable", Math.ceil(retryAfterMs / 1000));
    server.handleUpgrade(request, socket, head, (webSocket) => greet(gateway, webSocket, socket));
  });
  refusePlainRequests(app);
  app.addHook("preClose", async () => {
    for (const socket of gateway.unproven) socket.terminate();
    await connections.close();
  });
  context.metrics.gauge("flotilla_devices_connected", "Devices with a connection", () => options.presence.size);
}

/** The path as the API's description knows it; devices never get here. */
function refusePlainRequests(app: App): void {
  app.get(
    GATEWAY_PATH,
    {
      config: { access: "public" },
      schema: {
        tags: ["devices"],
        security: [],
        operationId: "connectDevice",
        summary: "The device protocol, over WebSocket (RFC 6455)",
        response: problemResponses(426, 503),
      },
    },
    async (_request, reply) => {
      reply.header("upgrade", "websocket");
      throw new CodedError("upgrade-required", "this is the device gateway: connect with WebSocket");
    },
  );
}

interface Gateway extends GatewayOptions {
  readonly connections: Connections;
  readonly reports: ReturnType<typeof createReportWriter>;
  readonly admission: ReturnType<typeof createAdmission>;
  readonly unproven: Set<WebSocket>;
}

/** Refuses an upgrade in HTTP. */
function answer(socket: Duplex, status: string, retryAfterSeconds?: number): void {
  const retry = retryAfterSeconds === undefined ? "" : `Retry-After: ${retryAfterSeconds}\r\n`;
  socket.end(`HTTP/1.1 ${status}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Sends the challenge and waits for the hello. */
function greet(gateway: Gateway, socket: WebSocket, raw: Duplex & { readonly bytesRead?: number }): void {
  const { context, unproven } = gateway;
  unproven.add(socket);
  const proved = new AbortController();
  const nonce = randomBytes(32).toString("base64url");
  const guard = () => {
    if ((raw.bytesRead ?? 0) > MAX_HELLO_BYTES) socket.terminate();
  };
  raw.on("data", guard);
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    unproven.delete(socket);
    proved.abort();
  });
  socket.once("message", (data, isBinary) => {
    const hello = parseMessage(data, isBinary);
    if (hello?.type !== "hello")
      return refuse(socket, { code: "protocol-error", message: "a hello was expected", close: "protocol" });
    // Nobody speaks between hello and welcome; what comes then belongs to no session.
    const early = () => socket.terminate();
    socket.once("message", early);
    checkHello(context.database, nonce, hello).then(
      (result) => {
        socket.off("message", early);
        raw.off("data", guard);
        unproven.delete(socket);
        proved.abort();
        if (result.kind === "refused") {
          context.log.info({ device: hello.device, code: result.refused.code }, "device refused");
          return refuse(socket, result.refused);
        }
        welcome(gateway, socket, createSession({ ...gateway, proven: result.proven, socket }));
      },
      (error: unknown) => {
        context.log.error({ error, device: hello.device }, "hello failed");
        socket.terminate();
      },
    );
  });
  context.clock.sleep(HELLO_DEADLINE_MS, proved.signal).then(
    () => refuse(socket, { code: "hello-late", message: "no hello came in time", close: "protocol" }),
    () => undefined,
  );
  const protocol = { oldest: OLDEST_PROTOCOL_VERSION, newest: PROTOCOL_VERSION };
  sendMessage(socket, { type: "challenge", nonce, protocol, serverTime: toInstant(context.clock.now()) });
}

function welcome({ context, connections }: Gateway, socket: WebSocket, session: Session): void {
  // The device went while its hello was looked at.
  if (socket.readyState !== socket.OPEN) return;
  connections.add(session, socket);
  socket.on("message", (data, isBinary) => {
    const message = parseMessage(data, isBinary);
    if (message === undefined)
      session.end({ code: "protocol-error", message: "this is no message of the protocol", close: "protocol" });
    else if (connections.isCurrent(session)) session.receive(message);
  });
  session.send({
    type: "welcome",
    serverTime: toInstant(context.clock.now()),
    pingIntervalMs: PING_INTERVAL_MS,
    fullReport: session.proven.fullReport,
  });
  session.offerTarget();
}
