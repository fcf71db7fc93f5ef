import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import {
  CLOSE_CODES,
  type DeviceMessage,
  GATEWAY_PATH,
  type Hello,
  helloBytes,
  MAX_MESSAGE_BYTES,
  ServerMessage,
} from "@flotilla/protocol/device";
import { PROTOCOL_VERSION } from "@flotilla/protocol/version";
import { Value } from "typebox/value";
import { WebSocket } from "ws";
import type { Transport } from "./transport.ts";

/** From the first byte to the welcome. */
const WELCOME_DEADLINE_MS = 60_000;
const CLOSE_DEADLINE_MS = 5000;
const MAX_BUFFERED_BYTES = 4 * MAX_MESSAGE_BYTES;

/** Who the device is on a connection. */
export interface Identity {
  readonly device: string;
  readonly bootId: string;
  readonly instanceId: string;
  /** Ed25519 over the bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

export interface ConnectionOptions {
  /** `https://host[:port]`, the server's public URL. */
  readonly server: URL;
  readonly identity: Identity;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly userAgent: string;
}

export interface ConnectionHandlers {
  targetVersion(): number;
  welcomed(welcome: Extract<ServerMessage, { type: "welcome" }>, send: (message: DeviceMessage) => boolean): void;
  /** Every message after the welcome. */
  message(message: ServerMessage): void;
}

/** How a connection ended. */
export interface Ending {
  readonly reason: string;
  /** Code of the server's refusal, when there was one. */
  readonly code?: string;
  readonly retryAfterMs?: number;
  /** How long the device was welcome; 0 when it never was. */
  readonly welcomeForMs: number;
}

/** One connection to the gateway, from dialling to its end. Never throws: what went wrong is the ending. */
export async function runConnection(
  options: ConnectionOptions,
  handlers: ConnectionHandlers,
  signal: AbortSignal,
): Promise<Ending> {
  const url = new URL(GATEWAY_PATH, options.server);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  let dial: Awaited<ReturnType<Transport["dial"]>>;
  try {
    dial = await options.transport.dial(url, signal);
  } catch (error) {
    return { reason: errorText(error), welcomeForMs: 0 };
  }
  const socket = new WebSocket(url, {
    ...dial,
    headers: { "user-agent": options.userAgent },
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handshakeTimeout: WELCOME_DEADLINE_MS,
  });
  return new Conversation(socket, options, handlers).run(signal);
}

/** The state of one open connection. */
class Conversation {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #ended = new AbortController();
  #heardAtMs: number;
  #silenceMs = WELCOME_DEADLINE_MS;
  /** Ends the watcher's sleep when its limit changed. */
  #rearm = new AbortController();
  #welcomedAtMs: number | undefined;
  #ending: { reason: string; code?: string; retryAfterMs?: number } | undefined;

  constructor(socket: WebSocket, options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.#socket = socket;
    this.#options = options;
    this.#handlers = handlers;
    this.#heardAtMs = options.clock.monotonic();
  }

  async run(signal: AbortSignal): Promise<Ending> {
    const { clock } = this.#options;
    const stop = () => this.#close("the agent stops", 1000);
    signal.addEventListener("abort", stop, { once: true });
    const closed = this.#listen();
    const watching = this.#watch();
    await closed;
    this.#ended.abort();
    signal.removeEventListener("abort", stop);
    await watching;
    const welcomeForMs = this.#welcomedAtMs === undefined ? 0 : clock.monotonic() - this.#welcomedAtMs;
    return { reason: "the connection was closed", ...this.#ending, welcomeForMs };
  }

  #listen(): Promise<void> {
    const socket = this.#socket;
    const heard = () => {
      if (this.#welcomedAtMs !== undefined) this.#heardAtMs = this.#options.clock.monotonic();
    };
    socket.on("ping", heard);
    socket.on("pong", heard);
    socket.on("message", (data, isBinary) => {
      heard();
      if (isBinary) this.#close("the server sent a binary message", CLOSE_CODES.protocol);
      else this.#receive(String(data));
    });
    socket.on("unexpected-response", (_request, response) => {
      const seconds = Number(response.headers["retry-after"]);
      const retry = seconds > 0 ? { retryAfterMs: seconds * 1000 } : {};
      this.#ending ??= { reason: `the server answered ${response.statusCode}`, ...retry };
      socket.terminate();
    });
    socket.on("error", (error) => {
      this.#ending ??= { reason: errorText(error) };
    });
    return new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        const said = reason.toString().slice(0, 200);
        this.#ending ??= {
          reason: `closed by the server (${code}${said === "" ? "" : ` ${said}`})`,
          ...codeIn(code, said),
        };
        resolve();
      });
    });
  }

  /** Ends the connection when nothing, not even a ping, was heard for too long: a dead peer says nothing. */
  async #watch(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#ended.signal.aborted) {
      const leftMs = this.#heardAtMs + this.#silenceMs - clock.monotonic();
      if (leftMs <= 0) {
        this.#ending ??= { reason: `nothing was heard for ${Math.round(this.#silenceMs / 1000)} s` };
        this.#socket.terminate();
        return;
      }
      this.#rearm = new AbortController();
      await clock.sleep(leftMs, AbortSignal.any([this.#ended.signal, this.#rearm.signal])).catch(() => undefined);
    }
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    if (message === undefined) {
      this.#options.log.warn({ bytes: text.length }, "a message of the server was not understood");
      return;
    }
    if (message.type === "challenge") this.#answer(message);
    else if (message.type === "welcome") this.#welcome(message);
    else if (message.type === "refusal") this.#refused(message);
    else if (this.#welcomedAtMs !== undefined) this.#handlers.message(message);
  }

  #answer(challenge: Extract<ServerMessage, { type: "challenge" }>): void {
    const { identity, clock } = this.#options;
    const { oldest, newest } = challenge.protocol;
    if (PROTOCOL_VERSION < oldest || PROTOCOL_VERSION > newest) {
      const reason = `the server speaks device protocol ${oldest} to ${newest}, this agent ${PROTOCOL_VERSION}`;
      this.#ending = { reason, code: "protocol-unsupported" };
      this.#close(reason, CLOSE_CODES.protocol);
      return;
    }
    const { device, bootId, instanceId } = identity;
    const who = { protocol: PROTOCOL_VERSION, device, bootId, instanceId };
    const signature = Buffer.from(identity.sign(helloBytes(challenge.nonce, who))).toString("base64");
    const deviceTime = new Date(clock.now()).toISOString();
    const hello: Hello = {
      type: "hello",
      ...who,
      deviceTime,
      targetVersion: this.#handlers.targetVersion(),
      signature,
    };
    this.#socket.send(JSON.stringify(hello));
  }

  #welcome(welcome: Extract<ServerMessage, { type: "welcome" }>): void {
    if (this.#welcomedAtMs !== undefined) return;
    this.#welcomedAtMs = this.#heardAtMs = this.#options.clock.monotonic();
    this.#allowSilence(2 * welcome.pingIntervalMs);
    this.#handlers.welcomed(welcome, (message) => this.#send(message));
  }

  #refused(refusal: Extract<ServerMessage, { type: "refusal" }>): void {
    const { code, message, retryAfterMs } = refusal;
    const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.#ending ??= { reason: `the server refused: ${message}`, code, ...retry };
  }

  #send(message: DeviceMessage): boolean {
    const socket = this.#socket;
    if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MAX_BUFFERED_BYTES) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  #close(reason: string, code: number): void {
    this.#ending ??= { reason };
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code);
    // A peer that does not answer the close must not keep us.
    else this.#socket.terminate();
    this.#allowSilence(Math.min(this.#silenceMs, CLOSE_DEADLINE_MS));
  }

  #allowSilence(ms: number): void {
    this.#silenceMs = ms;
    this.#rearm.abort();
  }
}

function parseMessage(text: string): ServerMessage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(ServerMessage, value) ? value : undefined;
  } catch {
    return undefined; // told by the caller
  }
}

/** Our close codes carry the refusal's code as their reason. */
function codeIn(code: number, said: string): { readonly code?: string } {
  if (code === CLOSE_CODES.revoked) return { code: said || "device-revoked" };
  return code >= 4000 && said !== "" ? { code: said } : {};
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${errorText(error.cause)}`;
}
