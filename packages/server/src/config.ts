import { readFileSync, statSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { parseDocument } from "yaml";
import packageJson from "../package.json" with { type: "json" };
import { isLoopback, parseListen } from "./http/address.ts";
import { checkMirrors, MirrorList, type MirrorSettings } from "./registry/mirror/settings.ts";

/** Settings as they were given. */
export interface Settings {
  /** This server's version. */
  readonly version: string;
  /** Folder of the database and the blobs. */
  readonly dataDir: string;
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** How clients reach the server; made of `listen` when absent. */
  readonly publicUrl?: string;
  /** Where the first start writes an owner API token. */
  readonly ownerTokenFile?: string;
  readonly tls: TlsSettings;
  /** Requests from one address in a minute. */
  readonly requestsPerMinute: number;
  /** Addresses or networks of proxies whose `X-Forwarded-*` is believed. */
  readonly trustedProxies: readonly string[];
  /** Registries that are mirrored. */
  readonly mirrors: readonly MirrorSettings[];
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

export type TlsSettings =
  | { readonly kind: "clear" }
  | { readonly kind: "given"; readonly certFile: string; readonly keyFile: string }
  | { readonly kind: "own-authority" };

/** Settings of a running server, all optional on the command line; see `flotilla serve --help`. */
export interface Config extends Settings {
  /** How clients reach the server, without a trailing slash; decides links and what provisioning tokens carry. */
  readonly publicUrl: string;
}

/** What a server without any settings uses. */
export const DEFAULT_SETTINGS: Settings = {
  version: packageJson.version,
  dataDir: "flotilla-data",
  listen: { host: "127.0.0.1", port: 8080 },
  tls: { kind: "clear" },
  requestsPerMinute: 12_000,
  trustedProxies: [],
  mirrors: [],
  logLevel: "info",
};

/** Every option by its name on the command line and in the file; in the environment it is `FLOTILLA_` and the name in capitals with `_`. */
export const OPTIONS = {
  data: Type.String({ minLength: 1, description: "folder of the database and the blobs" }),
  listen: Type.String({ description: "HOST:PORT to listen on; :PORT is every address of the machine" }),
  "public-url": Type.String({ pattern: "^https?://[^/?#@\\s]+/?$", description: "how clients reach the server" }),
  "owner-token-file": Type.String({ minLength: 1, description: "first start: write an owner API token here" }),
  tls: Type.Enum(["auto", "own-authority"], {
    description: "auto: clear on loopback, else the given certificate or an authority of the server's own",
  }),
  "tls-cert": Type.String({ minLength: 1, description: "PEM file of the certificate and its chain" }),
  "tls-key": Type.String({ minLength: 1, description: "PEM file of its private key" }),
  "requests-per-minute": Type.Integer({ minimum: 1, description: "most requests from one address" }),
  "trusted-proxies": Type.Array(Type.String({ maxLength: 60 }), {
    maxItems: 50,
    description: "addresses or networks whose X-Forwarded-* headers are believed",
  }),
  mirrors: MirrorList,
  "log-level": Type.Enum(["debug", "info", "warn", "error"], { description: "how much goes to the log" }),
} as const;

/** Schema of the configuration file. */
export const ConfigFile = Type.Object(
  Object.fromEntries(Object.entries(OPTIONS).map(([name, schema]) => [name, Type.Optional(schema)])) as OptionalOptions,
  { additionalProperties: false },
);
type OptionalOptions = { [K in keyof typeof OPTIONS]: ReturnType<typeof Type.Optional<(typeof OPTIONS)[K]>> };
type Given = Static<typeof ConfigFile>;

const MAX_FILE_BYTES = 256 * 1024;

/**
 * The settings of `flags` (command line), the environment, the file of `--config`, and the defaults: the first that names an option wins.
 * Throws `invalid-configuration` that names the source and the key.
 */
export function loadSettings(flags: Readonly<Record<string, string | undefined>>, env = readEnvironment()): Settings {
  const file = flags.config ?? env.config;
  const given: Given = {
    ...(file === undefined ? {} : check(parseFile(file), file)),
    ...check(typed(env), "the environment"),
    ...check(typed(flags), "the command line"),
  };
  return toSettings(given);
}

/** The options that the environment names. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of [...Object.keys(OPTIONS), "config"]) {
    const value = env[`FLOTILLA_${name.toUpperCase().replaceAll("-", "_")}`];
    if (value !== undefined && value !== "") found[name] = value;
  }
  return found;
}

function toSettings(given: Given): Settings {
  const listen = given.listen === undefined ? DEFAULT_SETTINGS.listen : parseListen(given.listen);
  if (listen === undefined) throw invalid("listen", `"${given.listen}" is not HOST:PORT`);
  return {
    version: DEFAULT_SETTINGS.version,
    dataDir: given.data ?? DEFAULT_SETTINGS.dataDir,
    listen,
    ...(given["public-url"] === undefined ? {} : { publicUrl: given["public-url"].replace(/\/$/, "") }),
    ...(given["owner-token-file"] === undefined ? {} : { ownerTokenFile: given["owner-token-file"] }),
    tls: tlsOf(given, listen.host),
    requestsPerMinute: given["requests-per-minute"] ?? DEFAULT_SETTINGS.requestsPerMinute,
    trustedProxies: given["trusted-proxies"] ?? DEFAULT_SETTINGS.trustedProxies,
    mirrors: checkMirrors(given.mirrors ?? DEFAULT_SETTINGS.mirrors),
    logLevel: given["log-level"] ?? DEFAULT_SETTINGS.logLevel,
  };
}

/** In clear only where nobody else can listen in: on this machine's loopback. */
function tlsOf(given: Given, host: string): TlsSettings {
  const { "tls-cert": certFile, "tls-key": keyFile } = given;
  if ((certFile === undefined) !== (keyFile === undefined)) throw invalid("tls-cert", "goes together with tls-key");
  if (certFile !== undefined && keyFile !== undefined) return { kind: "given", certFile, keyFile };
  return given.tls === "own-authority" || !isLoopback(host) ? { kind: "own-authority" } : { kind: "clear" };
}

/** Options that came as text, as the schema wants them. */
function typed(texts: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(texts)) {
    if (text === undefined || name === "config") continue;
    if (name === "requests-per-minute") result[name] = /^\d{1,9}$/.test(text) ? Number(text) : text;
    else if (name === "trusted-proxies") result[name] = text.split(",").map((part) => part.trim());
    else if (name === "mirrors") result[name] = parseJson(text);
    else result[name] = text;
  }
  return result;
}

/** JSON in an option; text that is none is left as it is, for the schema to refuse. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parseFile(path: string): unknown {
  let text: string;
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw invalid(path, `is larger than ${MAX_FILE_BYTES} bytes`);
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new CodedError("invalid-configuration", `cannot read the configuration ${path}`, { cause });
  }
  const document = parseDocument(text, { uniqueKeys: true, stringKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(path, problem.message);
  return document.toJS({ maxAliasCount: 10 }) ?? {};
}

function check(value: unknown, source: string): Given {
  for (const key of value !== null && typeof value === "object" ? Object.keys(value) : [])
    if (!(key in OPTIONS))
      throw invalid(key, `is not an option (in ${source}); options are ${Object.keys(OPTIONS).join(", ")}`);
  if (Value.Check(ConfigFile, value)) return value;
  const [first] = Value.Errors(ConfigFile, value);
  throw invalid(first?.instancePath.replace(/^\//, "") || source, `${first?.message ?? "does not fit"} (in ${source})`);
}

function invalid(key: string, reason: string): CodedError {
  return new CodedError("invalid-configuration", `${key}: ${reason}`);
}
