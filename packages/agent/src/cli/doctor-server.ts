import { deadlineSignal } from "@flotilla/base/clock";
import { messageOf } from "@flotilla/base/errors";
import { formatDuration } from "@flotilla/base/units";
import { proxyFor } from "@flotilla/oci/http/proxy";
import type { HttpResponse } from "@flotilla/oci/http/send";
import { PROTOCOL_VERSION } from "@flotilla/protocol/version";
import { type AgentConfig, type Environment, trustOf } from "../config.ts";
import { readBody } from "../enrol/read-body.ts";
import { createTransport } from "../link/transport.ts";
import type { Check } from "./doctor.ts";

const ASK_DEADLINE_MS = 15_000;
const MAX_CLOCK_ERROR_MS = 5 * 60_000;
/** No device has a right clock before this product existed. */
const EARLIEST_MS = Date.UTC(2026, 0);

export interface ServerCheckOptions {
  readonly config: AgentConfig;
  readonly environment: Environment;
  readonly now: () => number;
}

/** Name, network, proxy, TLS and protocol, by asking the server what it is. */
export async function checkServer(options: ServerCheckOptions): Promise<Check> {
  const name = "server";
  const { config, environment } = options;
  const proxy = proxyFor(new URL(config.server), environment.proxy);
  const way = proxy === undefined ? config.server : `${config.server} through the proxy ${proxy.host}`;
  try {
    const response = await ask(options);
    const body = (await readBody(response.body)).toString("utf8");
    const protocol = response.status === 200 ? protocolIn(body) : undefined;
    if (protocol === undefined) {
      const next = "is this the right URL, and does a proxy or captive portal answer in its place?";
      return { name, result: "bad", detail: `${way} answers ${response.status}, but not as a Flotilla server`, next };
    }
    const { oldest, newest } = protocol;
    if (PROTOCOL_VERSION >= oldest && PROTOCOL_VERSION <= newest)
      return { name, result: "good", detail: `${way} answers, ${trustText(config)}` };
    const detail = `the server speaks device protocol ${oldest} to ${newest}, this agent ${PROTOCOL_VERSION}`;
    return {
      name,
      result: "bad",
      detail,
      next: `install the server's agent: curl -fsS ${config.server}/install.sh | sudo sh`,
    };
  } catch (error) {
    const detail = `${way}: ${messageOf(error)}`;
    return { name, result: "bad", detail, next: nextFor(detail) };
  }
}

/** The device's clock against the server's `Date`. */
export async function checkClock(options: ServerCheckOptions): Promise<Check> {
  const name = "clock";
  const next = "set it: timedatectl set-ntp true; a device without a battery clock needs an NTP server at start";
  const now = options.now();
  const shown = new Date(now).toISOString();
  if (now < EARLIEST_MS) return { name, result: "bad", detail: `it is ${shown} here, which cannot be`, next };
  const serverMs = await serverTime(options);
  if (serverMs === undefined)
    return { name, result: "good", detail: `it is ${shown} here; the server could not be asked` };
  const errorMs = now - serverMs;
  const detail = `${formatDuration(Math.abs(errorMs))} ${errorMs < 0 ? "behind" : "ahead of"} the server`;
  if (Math.abs(errorMs) <= MAX_CLOCK_ERROR_MS) return { name, result: "good", detail };
  return { name, result: "warning", detail, next };
}

async function serverTime(options: ServerCheckOptions): Promise<number | undefined> {
  const response = await ask(options).catch(() => undefined);
  response?.discard();
  const date = Date.parse(response?.header("date") ?? "");
  return Number.isFinite(date) ? date : undefined;
}

async function ask({ config, environment }: ServerCheckOptions): Promise<HttpResponse> {
  const transport = createTransport({ trust: await trustOf(config, environment), proxy: environment.proxy });
  return transport.send({
    method: "GET",
    url: new URL("/api/v1/server", config.server),
    headers: { accept: "application/json" },
    signal: deadlineSignal(ASK_DEADLINE_MS),
  });
}

function protocolIn(body: string): { readonly oldest: number; readonly newest: number } | undefined {
  try {
    const { protocol } = JSON.parse(body) as { protocol?: { oldest?: unknown; newest?: unknown } };
    const { oldest, newest } = protocol ?? {};
    return typeof oldest === "number" && typeof newest === "number" ? { oldest, newest } : undefined;
  } catch {
    return undefined; // told by the caller
  }
}

function trustText(config: AgentConfig): string {
  if (config.server.startsWith("http:")) return "in clear (no TLS)";
  return config.pinnedCa === undefined ? "TLS by the system's authorities" : "TLS by the pinned CA";
}

function nextFor(detail: string): string {
  if (/ENOTFOUND|EAI_AGAIN/.test(detail))
    return "the name is not known here: check DNS (resolvectl status) and the server's URL";
  if (/certificate|CERT|SIGNED/i.test(detail))
    return "the certificate is not trusted: name your CA in FLOTILLA_AGENT_CA_FILE, or enrol again if the server has a new CA of its own";
  if (/ECONNREFUSED/.test(detail)) return "nothing listens there: does the server run, and does a firewall refuse?";
  return "check the network, the firewall and HTTPS_PROXY";
}
