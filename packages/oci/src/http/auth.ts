import { CodedError } from "@flotilla/base/errors";
import type { HttpSend } from "./send.ts";

export type Credentials =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** A token that the registry takes as it is. */
  | { readonly kind: "bearer"; readonly token: string };

/** Credentials, or where to get them: asked anew for every challenge, so that short-lived ones stay fresh. */
export type CredentialSource = Credentials | (() => Promise<Credentials | undefined>) | undefined;

const MAX_TOKEN_RESPONSE_BYTES = 1024 * 1024;

/** A parsed `WWW-Authenticate` header (RFC 9110 §11.6.1). */
export interface AuthChallenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The challenges in a header, in order. */
export function parseChallenges(header: string): readonly AuthChallenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const pattern = /([a-zA-Z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))|([a-zA-Z][a-zA-Z0-9_-]*)(?=\s|,|$)/g;
  for (const [, key, quoted, bare, scheme] of header.slice(0, 8192).matchAll(pattern)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    else if (key !== undefined) {
      const last = challenges.at(-1);
      if (last) last.parameters[key.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
    }
  }
  return challenges;
}

/** The `Authorization` value that shows `credentials` directly. */
export function authorizationOf(credentials: Credentials): string {
  switch (credentials.kind) {
    case "basic":
      return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
    case "bearer":
      return `Bearer ${credentials.token}`;
  }
}

/** The credentials of a source, as of now. */
export async function currentCredentials(source: CredentialSource): Promise<Credentials | undefined> {
  return typeof source === "function" ? source() : source;
}

/**
 * Answers a challenge of `registry` (distribution-spec's token authentication): the `Authorization` value to try next, or undefined when
 * there is nothing to show. Credentials never go to a realm in clear text when the registry itself is on TLS.
 */
export async function answerChallenge(options: {
  readonly send: HttpSend;
  readonly registry: URL;
  readonly header: string;
  readonly scope: string;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal | undefined;
}): Promise<string | undefined> {
  const { credentials } = options;
  const challenges = parseChallenges(options.header);
  const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters["realm"] !== undefined);
  if (credentials?.kind === "bearer") return authorizationOf(credentials);
  if (bearer !== undefined) return fetchToken({ ...options, challenge: bearer });
  if (credentials !== undefined && challenges.some(({ scheme }) => scheme === "basic"))
    return authorizationOf(credentials);
  return undefined;
}

async function fetchToken(options: {
  readonly send: HttpSend;
  readonly registry: URL;
  readonly challenge: AuthChallenge;
  readonly scope: string;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal | undefined;
}): Promise<string> {
  const { challenge, credentials, registry } = options;
  const url = realmOf(challenge, registry);
  const service = challenge.parameters["service"];
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", challenge.parameters["scope"] ?? options.scope);
  const response = await options.send({
    method: "GET",
    url,
    headers: credentials === undefined ? {} : { authorization: authorizationOf(credentials) },
    signal: options.signal,
  });
  if (response.status !== 200) {
    response.discard();
    throw new CodedError("registry-unauthorized", `${url.host} gave no token (${response.status})`);
  }
  return `Bearer ${await tokenIn(response.body)}`;
}

function realmOf(challenge: AuthChallenge, registry: URL): URL {
  const url = URL.canParse(challenge.parameters["realm"] ?? "")
    ? new URL(challenge.parameters["realm"] ?? "")
    : undefined;
  const safe = url?.protocol === "https:" || (url?.protocol === "http:" && registry.protocol === "http:");
  if (url === undefined || !safe)
    throw new CodedError("registry-unauthorized", `${registry.host} names a token realm that cannot be trusted`);
  return url;
}

async function tokenIn(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_TOKEN_RESPONSE_BYTES) throw new CodedError("registry-unauthorized", "the token answer is too large");
    chunks.push(chunk);
  }
  const document: unknown = JSON.parse(Buffer.concat(chunks).toString());
  const { token, access_token: accessToken } = (document ?? {}) as { token?: unknown; access_token?: unknown };
  const value = typeof token === "string" ? token : accessToken;
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value))
    throw new CodedError("registry-unauthorized", "the token answer holds no token");
  return value;
}
