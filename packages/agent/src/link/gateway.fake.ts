import { createPublicKey, verify } from "node:crypto";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type Hello, helloBytes } from "@flotilla/protocol/device";
import { type WebSocket, WebSocketServer } from "ws";

/** A gateway for tests: challenges, checks the hello's signature and welcomes, as the real one does. */
export interface FakeGateway extends AsyncDisposable {
  readonly url: URL;
  readonly port: number;
  /** Hellos whose signature was right, in order. */
  readonly hellos: Hello[];
  /** Messages after the hello. */
  readonly received: unknown[];
  /** The newest connection. */
  current(): WebSocket | undefined;
  send(message: unknown): void;
}

export interface FakeGatewayOptions {
  /** SPKI DER, base64. */
  readonly publicKey: string;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly pingIntervalMs?: number;
  /** Whether pings are sent; without them the device must give the connection up. */
  readonly pings?: boolean;
  /** Instead of a welcome. */
  readonly refusal?: { readonly code: string; readonly message: string; readonly retryAfterMs?: number };
  readonly protocol?: { readonly oldest: number; readonly newest: number };
  /** Other routes of the server. */
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => void;
}

export async function startFakeGateway(options: FakeGatewayOptions): Promise<FakeGateway> {
  const handle = options.handle ?? ((_request, response: ServerResponse) => response.writeHead(404).end());
  const server: Server = options.tls === undefined ? createHttpServer(handle) : createTlsServer(options.tls, handle);
  const hellos: Hello[] = [];
  const received: unknown[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let current: WebSocket | undefined;
  const sockets = new WebSocketServer({ server });
  const interval = options.pingIntervalMs ?? 30_000;
  sockets.on("connection", (socket) => {
    current = socket;
    const nonce = `nonce-${Math.random()}`.padEnd(24, "x");
    const say = (message: unknown) => socket.send(JSON.stringify(message));
    const serverTime = new Date().toISOString();
    say({ type: "challenge", nonce, protocol: options.protocol ?? { oldest: 1, newest: 1 }, serverTime });
    socket.on("message", (data) => {
      const message = JSON.parse(String(data)) as { type: string };
      if (message.type !== "hello") return void received.push(message);
      if (!isSigned(message as unknown as Hello, nonce, options.publicKey))
        return socket.close(4000, "signature-invalid");
      hellos.push(message as unknown as Hello);
      if (options.refusal !== undefined) {
        say({ type: "refusal", ...options.refusal });
        return socket.close(4000, options.refusal.code);
      }
      say({ type: "welcome", serverTime, pingIntervalMs: interval, fullReport: true });
      if (options.pings !== false) timers.add(setInterval(() => socket.ping(), interval));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`),
    port,
    hellos,
    received,
    current: () => current,
    send: (message) => current?.send(JSON.stringify(message)),
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isSigned(hello: Hello, nonce: string, publicKey: string): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
  return verify(null, helloBytes(nonce, hello), key, Buffer.from(hello.signature, "base64"));
}

/** A CONNECT proxy that leads every name to 127.0.0.1 and notes whom it was asked for and by whom. */
export interface FakeProxy extends AsyncDisposable {
  readonly url: string;
  readonly asked: { readonly target: string; readonly authorization: string | undefined }[];
}

export async function startFakeProxy(): Promise<FakeProxy> {
  const asked: { target: string; authorization: string | undefined }[] = [];
  const open = new Set<Socket>();
  const server = createHttpServer();
  server.on("connect", (request, socket: Socket) => {
    asked.push({ target: request.url ?? "", authorization: request.headers["proxy-authorization"] });
    const upstream = connect(Number(request.url?.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    for (const end of [socket, upstream]) {
      open.add(end);
      end.on("error", () => {
        socket.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://user:pass@127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
