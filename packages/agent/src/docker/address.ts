import { CodedError } from "@flotilla/base/errors";

/** Where an engine listens: what `DOCKER_HOST` may hold, TLS excepted. */
export type EngineAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export const DEFAULT_ENGINE_ADDRESS = "unix:///var/run/docker.sock";

/** Reads `unix:///path` or `tcp://host:port`; throws `bad-engine-address` otherwise. */
export function parseEngineAddress(text: string): EngineAddress {
  const unix = /^unix:\/\/(\/.+)$/.exec(text);
  if (unix?.[1] !== undefined) return { kind: "unix", path: unix[1] };
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:]+\]|[^:/]+):(\d{1,5})\/?$/.exec(text);
  if (tcp?.[1] !== undefined) return { kind: "tcp", host: tcp[1].replace(/^\[|\]$/g, ""), port: Number(tcp[2]) };
  throw new CodedError(
    "bad-engine-address",
    `"${text}" is no engine address; write unix:///var/run/docker.sock or tcp://127.0.0.1:2375`,
  );
}
