import { request } from "node:http";
import { connect } from "node:net";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Status of one GET, straight to the container and through no proxy; undefined when nothing answered. Rejects only when aborted. */
export function probeHttp(probe: Place & { readonly path: string }, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { host, port, path } = probe;
    const headers = {
      host: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
      "user-agent": "flotilla-probe",
    };
    const outgoing = request({ host, port, path, headers, agent: false, signal });
    outgoing.on("response", (response) => {
      response.on("error", () => {}); // the body is of no interest
      response.destroy();
      resolve(response.statusCode);
    });
    outgoing.on("error", () => (signal.aborted ? reject(signal.reason) : resolve(undefined)));
    outgoing.end();
  });
}

/** 0 when the port accepts a connection, undefined when not. Rejects only when aborted. */
export function probeTcp(probe: Place, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({ host: probe.host, port: probe.port });
    const end = (then: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      then();
    };
    const onAbort = () => end(() => reject(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => end(() => resolve(0)));
    socket.once("error", () => end(() => resolve(undefined)));
  });
}
