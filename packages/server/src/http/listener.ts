import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { ServerTls } from "../tls/server-tls.ts";

/** The listening socket: in clear without `tls`. A certificate that is renewed is used from the next handshake on. */
export function createListener(handler: RequestListener, tls: ServerTls | undefined): Server {
  if (tls === undefined) return createServer(handler);
  const { key, cert } = tls.current();
  const server = createTlsServer({ key, cert, minVersion: "TLSv1.2" }, handler);
  const stop = tls.onRenewal((pair) =>
    server.setSecureContext({ key: pair.key, cert: pair.cert, minVersion: "TLSv1.2" }),
  );
  server.on("close", stop);
  return server;
}
