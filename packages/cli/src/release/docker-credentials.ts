import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { CodedError } from "@flotilla/base/errors";
import type { Credentials } from "@flotilla/oci/client";

const HELPER_TIMEOUT_MS = 30_000;
const MAX_HELPER_OUTPUT = 64 * 1024;
const HELPER_NAME = /^[a-zA-Z0-9._-]{1,64}$/;

/**
 * What `docker login` keeps for a registry: the `auths` of Docker's client configuration, or its credential helper. Undefined when it keeps
 * nothing: the registry is then asked without. Throws `credentials-unavailable` when it says that there are some which cannot be had.
 */
export async function dockerCredentials(configFile: string, host: string): Promise<Credentials | undefined> {
  const config = await readConfig(configFile);
  const helpers = member(config, "credHelpers");
  const helper = text(member(helpers, host)) ?? text(member(config, "credsStore"));
  if (helper !== undefined) return askHelper(helper, host);
  const auth = member(member(config, "auths"), host) ?? member(member(config, "auths"), `https://${host}`);
  if (auth === undefined) return undefined;
  if (text(member(auth, "identitytoken")) !== undefined)
    throw unavailable(
      host,
      `${configFile} holds an identity token, which is not supported: docker login with a password or token`,
    );
  const encoded = text(member(auth, "auth"));
  return encoded === undefined ? undefined : decode(encoded, host, configFile);
}

function decode(encoded: string, host: string, configFile: string): Credentials {
  const plain = Buffer.from(encoded, "base64").toString();
  const colon = plain.indexOf(":");
  if (colon <= 0) throw unavailable(host, `its entry in ${configFile} is damaged: docker login again`);
  return { kind: "basic", username: plain.slice(0, colon), password: plain.slice(colon + 1).replace(/\0+$/, "") };
}

async function readConfig(file: string): Promise<unknown> {
  let content: string;
  try {
    content = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new CodedError("credentials-unavailable", `${file} is no JSON`, { cause });
  }
}

/** Docker's credential helper protocol: the host on standard input, `{ Username, Secret }` back. */
async function askHelper(helper: string, host: string): Promise<Credentials | undefined> {
  if (!HELPER_NAME.test(helper)) throw unavailable(host, "the name of its credential helper is not valid");
  const { code, output } = await run(`docker-credential-${helper}`, host);
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw unavailable(host, `docker-credential-${helper} failed: run docker login ${host} again`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch (cause) {
    throw new CodedError("credentials-unavailable", `docker-credential-${helper} gave no JSON`, { cause });
  }
  const username = text(member(answer, "Username"));
  const password = text(member(answer, "Secret"));
  if (username === undefined || password === undefined)
    throw unavailable(host, `docker-credential-${helper} gave none`);
  if (username === "<token>") throw unavailable(host, "its helper holds an identity token, which is not supported");
  return { kind: "basic", username, password };
}

function run(program: string, input: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"], timeout: HELPER_TIMEOUT_MS });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.length > MAX_HELPER_OUTPUT) child.kill();
    });
    child.on("error", () => reject(unavailable(input, `${program}, its credential helper, is not installed here`)));
    child.on("close", (code) => resolve({ code, output }));
    child.stdin.on("error", () => undefined); // a helper that does not read its input says why by its exit code
    child.stdin.end(input);
  });
}

function unavailable(host: string, why: string): CodedError {
  return new CodedError("credentials-unavailable", `there are no usable credentials for ${host}: ${why}`);
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
