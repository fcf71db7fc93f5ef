import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CodedError } from "@flotilla/base/errors";

/** What `flotilla login` remembers. The file is readable by its owner alone. */
export interface SavedLogin {
  readonly server: string;
  readonly token: string;
  /** The server's own certificate authority, PEM, when it has one. */
  readonly ca?: string;
}

export interface Environment {
  readonly server: string | undefined;
  readonly token: string | undefined;
  readonly project: string | undefined;
  readonly caFile: string | undefined;
  readonly loginFile: string;
  /** Docker's own client configuration, where credentials of other registries are. */
  readonly dockerConfigFile: string;
  /** For `release create`: what `${NAME}` in a compose file may stand for. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Reads the environment: FLOTILLA_SERVER, FLOTILLA_TOKEN, FLOTILLA_PROJECT, FLOTILLA_CA_FILE, FLOTILLA_CONFIG_DIR. */
export function readEnvironment(): Environment {
  const env = process.env;
  const folder = env.FLOTILLA_CONFIG_DIR ?? join(env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "flotilla");
  return {
    server: env.FLOTILLA_SERVER || undefined,
    token: env.FLOTILLA_TOKEN || undefined,
    project: env.FLOTILLA_PROJECT || undefined,
    caFile: env.FLOTILLA_CA_FILE || undefined,
    loginFile: join(folder, "login.json"),
    dockerConfigFile: join(env.DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json"),
    variables: Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}

export function readLogin(file: string): SavedLogin | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (!isLogin(value))
    throw new CodedError("bad-login-file", `${file} is damaged: remove it and run "flotilla login" again`);
  return value;
}

export function writeLogin(file: string, login: SavedLogin): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 });
  chmodSync(next, 0o600);
  renameSync(next, file);
}

function isLogin(value: unknown): value is SavedLogin {
  if (value === null || typeof value !== "object") return false;
  const { server, token, ca } = value as Record<string, unknown>;
  return typeof server === "string" && typeof token === "string" && (ca === undefined || typeof ca === "string");
}
