import { readFileSync } from "node:fs";
import type { RegistryAccess } from "@flotilla/guard/sources/source";
import type { Credentials } from "@flotilla/oci/client";
import { type Environment, readLogin } from "./config.ts";

/**
 * How registries are reached from this machine: a reference without a host means the Flotilla server that one is signed in to, with its
 * token; other hosts get what `docker login` left in Docker's own configuration (credential helpers are not asked).
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
        : dockerCredentials(environment.dockerConfigFile, host),
  };
}

/** What `docker login` wrote down for `host` (`auths` of Docker's config.json), or undefined. */
export function dockerCredentials(configFile: string, host: string): Credentials | undefined {
  const auths = memberOf(readJson(configFile), "auths");
  const entry = memberOf(auths, host) ?? memberOf(auths, `https://${host}`);
  const auth = memberOf(entry, "auth");
  if (typeof auth !== "string") return undefined;
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 1 ? undefined : { kind: "basic", username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const isAbsentOrDamaged = error instanceof SyntaxError || (error instanceof Error && "code" in error);
    if (isAbsentOrDamaged) return undefined;
    throw error;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function hostOf(server: string): string | undefined {
  return URL.canParse(server) ? new URL(server).host : undefined;
}
