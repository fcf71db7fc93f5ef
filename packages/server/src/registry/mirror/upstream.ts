import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { CodedError } from "@flotilla/base/errors";
import { type Credentials, createRegistryClient, type RegistryClient } from "@flotilla/oci/client";
import { createHttpSend } from "@flotilla/oci/http/send";
import type { MirrorSettings } from "./settings.ts";

const MAX_CREDENTIALS_BYTES = 64 * 1024;
/** A connection on which nothing moves for so long is given up. */
const IDLE_TIMEOUT_MS = 30_000;

/** Makes clients of each mirrored registry by the mirror's name. A new client for each fetch: the tokens of many repositories do not pile up. */
export type Upstreams = ReadonlyMap<string, () => RegistryClient>;

/** The registries of the configuration. Throws `invalid-configuration` when a CA file cannot be read; credentials are read whenever they are asked for. */
export function openUpstreams(mirrors: readonly MirrorSettings[]): Upstreams {
  return new Map(mirrors.map((mirror) => [mirror.name, openUpstream(mirror)]));
}

function openUpstream({ name, url, caFile, credentialsFile }: MirrorSettings): () => RegistryClient {
  const send = createHttpSend({
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    ...(caFile === undefined ? {} : { ca: readCa(name, caFile) }),
  });
  const baseUrl = url.replace(/\/$/, "");
  const credentials = credentialsFile === undefined ? undefined : () => readCredentials(name, credentialsFile);
  return () => createRegistryClient({ baseUrl, credentials, send });
}

function readCa(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CodedError("invalid-configuration", `mirrors: cannot read the caFile of ${name}`, { cause });
  }
}

/** The file holds one line, `USER:PASSWORD`. */
async function readCredentials(name: string, path: string): Promise<Credentials> {
  const text = await readSmall(path);
  const line = text?.trim() ?? "";
  const colon = line.indexOf(":");
  if (colon <= 0 || line.includes("\n"))
    throw new CodedError("unavailable", `the credentialsFile of the mirror ${name} is not one line USER:PASSWORD`);
  return { kind: "basic", username: line.slice(0, colon), password: line.slice(colon + 1) };
}

async function readSmall(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).size > MAX_CREDENTIALS_BYTES ? undefined : await readFile(path, "utf8");
  } catch {
    return undefined; // told by the caller, without the path's content
  }
}
