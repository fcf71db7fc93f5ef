import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "@flotilla/base/clock";
import { type Log, silentLog } from "@flotilla/base/log";
import { type ApiClient, createApiClient } from "@flotilla/protocol/client";
import { DEFAULT_SETTINGS, type Settings } from "./config.ts";
import type { Context } from "./context.ts";
import { type RunningServer, startServer } from "./serve.ts";

/** The real server, in this process, on a free port of 127.0.0.1 and a data folder of its own that goes when it stops. */
export interface TestServer {
  readonly url: string;
  readonly dataDir: string;
  /** API token of the first owner: every permission everywhere. */
  readonly ownerToken: string;
  /** A client with the owner's token. */
  readonly client: ApiClient;
  readonly context: Context;
  readonly app: RunningServer["app"];
  /** A client with another token, or with none. */
  clientWith(token: string | undefined): ApiClient;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestServerOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  readonly settings?: Partial<Settings>;
}

/** Starts a {@link TestServer}: `await using server = await startTestServer()`. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "flotilla-server-"));
  const ownerTokenFile = join(dataDir, "owner-token");
  const listen = { host: "127.0.0.1", port: 0 };
  const running = await startServer({
    settings: {
      ...DEFAULT_SETTINGS,
      dataDir,
      listen,
      ownerTokenFile,
      requestsPerMinute: 1_000_000,
      ...options.settings,
    },
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
  });
  const ownerToken = (await readFile(ownerTokenFile, "utf8")).trim();
  const clientWith = (token: string | undefined) =>
    createApiClient({ baseUrl: running.url, ...(token === undefined ? {} : { token }) });
  const stop = async () => {
    await running.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return {
    url: running.url,
    dataDir,
    ownerToken,
    client: clientWith(ownerToken),
    context: running.context,
    app: running.app,
    clientWith,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
