import { readFileSync } from "node:fs";
import type { RegistryAccess } from "@flotilla/guard/sources/source";
import { type Environment, readLogin } from "./config.ts";
import { dockerCredentials } from "./release/docker-credentials.ts";

/**
 * How registries are reached from this machine: a reference without a host means the Flotilla server that one is signed in to, with its
 * token; other hosts get what `docker login` keeps for them.
 */
export function registryAccess(environment: Environment): RegistryAccess {
  const login = readLogin(environment.loginFile);
  const server = environment.server ?? login?.server;
  const token = environment.token ?? (login?.server === server ? login?.token : undefined);
  const ca = environment.caFile === undefined ? login?.ca : readFileSync(environment.caFile, "utf8");
  const own = server === undefined ? undefined : hostOf(server);
  return {
    ...(server === undefined ? {} : { defaultUrl: server }),
    ...(ca === undefined ? {} : { ca }),
    credentials: (host) =>
      host === own && token !== undefined
        ? { kind: "basic", username: "token", password: token }
        : () => dockerCredentials(environment.dockerConfigFile, host),
  };
}

function hostOf(server: string): string | undefined {
  return URL.canParse(server) ? new URL(server).host : undefined;
}
