import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { CodedError } from "@flotilla/base/errors";
import { CreatedToken, Me } from "@flotilla/protocol/api/users";
import { createApiClient } from "@flotilla/protocol/client";
import { Command } from "commander";
import { type SavedLogin, writeLogin } from "../config.ts";
import { print, printJson } from "../output.ts";
import { fetchPinnedCa, type Invocation, invocation, normaliseServer, trust } from "../session.ts";

const EXAMPLES = `
Examples:
  $ flotilla login http://127.0.0.1:8080 --code CODE            with a one-time code from the sign-in page
  $ flotilla login https://fleet.example --token-file token.txt with an API token
  $ flotilla login https://10.0.0.5:8443 --code CODE --ca-fingerprint 9f86…   a server with its own authority

The token is kept in the configuration folder of your account, readable by you alone. In pipelines set FLOTILLA_SERVER and
FLOTILLA_TOKEN instead.`;

interface LoginOptions {
  readonly code?: string;
  readonly tokenFile?: string;
  readonly caFingerprint?: string;
  readonly caFile?: string;
}

export function loginCommand(): Command {
  return new Command("login")
    .description("Sign in to a server and remember it.")
    .argument("<url>", "address of the server")
    .option("--code <code>", "a one-time code: the sign-in page of the server shows one")
    .option("--token-file <file>", "a file that holds an API token; - for standard input")
    .option("--ca-fingerprint <sha256>", "take the server's own certificate authority if it has this fingerprint")
    .option("--ca-file <file>", "trust this certificate authority (PEM) for the server")
    .addHelpText("after", EXAMPLES)
    .action((url: string, options: LoginOptions, command: Command) => login(invocation(command), url, options));
}

async function login(run: Invocation, url: string, options: LoginOptions): Promise<void> {
  const server = normaliseServer(url);
  const ca = await authority(server, options);
  if (ca !== undefined) trust(ca);
  const token = await obtainToken(server, options);
  const me = await createApiClient({ baseUrl: server, token }).get("/api/v1/me", Me);
  const saved: SavedLogin = ca === undefined ? { server, token } : { server, token, ca };
  writeLogin(run.environment.loginFile, saved);
  if (run.json) return printJson({ server, ...me });
  print(
    `signed in to ${server} as ${me.name}; projects: ${me.projects.map(({ name, role }) => (role === undefined ? name : `${name} (${role})`)).join(", ") || "none"}`,
  );
}

async function authority(server: string, options: LoginOptions): Promise<string | undefined> {
  if (options.caFile !== undefined) return readFileSync(options.caFile, "utf8");
  return options.caFingerprint === undefined ? undefined : fetchPinnedCa(server, options.caFingerprint);
}

async function obtainToken(server: string, options: LoginOptions): Promise<string> {
  if ((options.code === undefined) === (options.tokenFile === undefined)) {
    throw new CodedError("usage", `give either --code (open ${server}/sign-in to get one) or --token-file`);
  }
  if (options.tokenFile !== undefined)
    return readFileSync(options.tokenFile === "-" ? 0 : options.tokenFile, "utf8").trim();
  const body = { code: options.code, name: `flotilla on ${hostname()}`.slice(0, 100) };
  return (await createApiClient({ baseUrl: server }).post("/api/v1/session/exchange", body, CreatedToken)).token;
}
