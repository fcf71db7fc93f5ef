import { chmod, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { Agent, AgentStatus } from "../agent.ts";

const ASK_DEADLINE_MS = 5000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** What the running agent says of itself on its socket. */
export interface LiveStatus extends AgentStatus {
  readonly version: string;
  readonly pid: number;
}

/** Answers `GET /status` on a unix socket that only its owner can open, until the signal aborts. Costs nothing while nobody asks. */
export async function serveStatus(
  path: string,
  agent: Pick<Agent, "status">,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  await rm(path, { force: true });
  const server = createServer((incoming, response) => {
    const found = incoming.method === "GET" && incoming.url === "/status";
    const status: LiveStatus = { ...agent.status(), version, pid: process.pid };
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(found ? JSON.stringify(status) : "{}");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  signal.addEventListener("abort", () => server.close(), { once: true });
}

/** The status of the agent that runs behind the socket; undefined when none does. */
export function askStatus(path: string): Promise<LiveStatus | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(ASK_DEADLINE_MS);
    const outgoing = request({ socketPath: path, path: "/status", agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) response.destroy();
        else chunks.push(chunk);
      });
      response.on("error", () => resolve(undefined));
      response.on("close", () => resolve(parse(Buffer.concat(chunks).toString("utf8"))));
    });
    outgoing.on("error", () => resolve(undefined));
    outgoing.end();
  });
}

function parse(text: string): LiveStatus | undefined {
  try {
    return JSON.parse(text) as LiveStatus;
  } catch {
    return undefined; // cut off: the agent ended while it answered
  }
}
