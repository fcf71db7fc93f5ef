import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, getCACertificates, setDefaultCACertificates } from "node:tls";
import { CodedError } from "@flotilla/base/errors";
import { type ApiClient, createApiClient } from "@flotilla/protocol/client";
import type { Command } from "commander";
import { type Environment, readEnvironment, readLogin } from "./config.ts";

/** A signed-in connection to one server, speaking of one project. */
export interface Session {
  readonly server: string;
  readonly token: string;
  readonly project: string;
  readonly client: ApiClient;
  /** PEM of the server's own certificate authority, when it has one. */
  readonly ca: string | undefined;
}

/** What an action needs to know of how it was called. */
export interface Invocation {
  readonly json: boolean;
  readonly environment: Environment;
  readonly project: string;
  session(): Session;
}

const CA_CONNECT_MS = 10_000;
const MAX_CA_BYTES = 64 * 1024;

/** Reads the options that every verb shares. */
export function invocation(command: Command): Invocation {
  const environment = readEnvironment();
  const shared = command.optsWithGlobals<{ json?: boolean; server?: string; project?: string }>();
  const project = shared.project ?? environment.project ?? "default";
  return {
    json: shared.json === true,
    environment,
    project,
    session: () => openSession(environment, shared.server, project),
  };
}

function openSession(environment: Environment, serverOption: string | undefined, project: string): Session {
  const login = readLogin(environment.loginFile);
  const server = normaliseServer(serverOption ?? environment.server ?? login?.server ?? missing("server"));
  const saved = login !== undefined && normaliseServer(login.server) === server ? login : undefined;
  const token = environment.token ?? saved?.token ?? missing("token");
  const ca = environment.caFile === undefined ? saved?.ca : readFileSync(environment.caFile, "utf8");
  if (ca !== undefined) trust(ca);
  return { server, token, project, ca, client: createApiClient({ baseUrl: server, token }) };
}

function missing(what: "server" | "token"): never {
  const variable = what === "server" ? "FLOTILLA_SERVER" : "FLOTILLA_TOKEN";
  throw new CodedError(
    "not-signed-in",
    `no ${what} is known. Run "flotilla login URL --code CODE", or set ${variable}`,
  );
}

/** The server's address without a trailing slash; refuses what is not http(s), and clear text to anything but this machine. */
export function normaliseServer(text: string): string {
  let url: URL;
  try {
    url = new URL(text.includes("://") ? text : `https://${text}`);
  } catch {
    throw new CodedError("usage", `not a server address: ${text}. Write it as https://fleet.example`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new CodedError("usage", `a server address starts with https://, not ${url.protocol}//`);
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new CodedError(
      "usage",
      `${url.host} is not this machine: tokens travel only over https. Write https://${url.host}`,
    );
  }
  return url.href.replace(/\/+$/, "");
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Adds `pem` to the certificate authorities that this process trusts. */
export function trust(pem: string): void {
  setDefaultCACertificates([...getCACertificates("default"), pem]);
}

/**
 * Fetches the server's own certificate authority without trusting it, and takes it only when its SHA-256 fingerprint (hex) is the one that the
 * caller was given on another way.
 */
export async function fetchPinnedCa(server: string, fingerprint: string): Promise<string> {
  const url = new URL(`${server}/api/v1/server/ca.pem`);
  const pem = await getUntrusted(url);
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s+/g, ""), "base64");
  const actual = createHash("sha256").update(der).digest("hex");
  if (actual !== fingerprint.replaceAll(":", "").toLowerCase()) {
    throw new CodedError(
      "wrong-fingerprint",
      `the certificate authority of ${server} has the fingerprint ${actual}, not the one you gave: somebody may be in between`,
    );
  }
  return pem;
}

function getUntrusted(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || 443),
      servername: url.hostname,
      rejectUnauthorized: false,
      timeout: CA_CONNECT_MS,
    });
    let text = "";
    socket.on("secureConnect", () => socket.write(`GET ${url.pathname} HTTP/1.0\r\nHost: ${url.host}\r\n\r\n`));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.length > MAX_CA_BYTES) socket.destroy(new Error("the answer is too long for a certificate"));
    });
    socket.on("timeout", () =>
      socket.destroy(new Error(`no answer from ${url.host} within ${CA_CONNECT_MS / 1000} s`)),
    );
    socket.on("error", reject);
    socket.on("end", () => {
      const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text)?.[0];
      if (pem === undefined)
        reject(
          new CodedError("no-ca", `${url.host} has no certificate authority of its own: leave --ca-fingerprint out`),
        );
      else resolve(`${pem}\n`);
    });
  });
}
