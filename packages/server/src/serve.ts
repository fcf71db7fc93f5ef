import type { AddressInfo } from "node:net";
import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import { createEvents } from "./audit/events.ts";
import { registerAudit } from "./audit/routes.ts";
import { createMemoryBus } from "./bus.ts";
import type { Config, Settings } from "./config.ts";
import type { Context } from "./context.ts";
import type { App } from "./http/app.ts";
import { createMetrics } from "./http/metrics.ts";
import { createReadiness } from "./http/readiness.ts";
import { createApp } from "./http/server.ts";
import { registerStatus } from "./http/status-routes.ts";
import { registerProjects } from "./projects/routes.ts";
import { claimDataDir, databasePath } from "./store/data-dir.ts";
import { openDatabase } from "./store/database.ts";
import { migrate } from "./store/migrate.ts";
import { MIGRATIONS } from "./store/migrations/index.ts";
import { openServerKey } from "./store/server-key.ts";
import { createAccess } from "./users/access.ts";
import { ensureDefaultProject, writeOwnerTokenFile } from "./users/first-owner.ts";
import { registerUsers } from "./users/routes.ts";

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  readonly app: App;
  readonly context: Context;
  /** Ends open connections, waits for what is being written, and closes the database. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long requests that run may take to end once the server stops. */
const STOP_GRACE_MS = 10_000;

/** Starts the whole control plane in this process. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { settings, clock } = options;
  const bound = { port: settings.listen.port };
  await using undo = new AsyncDisposableStack();
  undo.defer(claimDataDir(settings.dataDir));
  const context = await openContext(options, bound);
  undo.defer(() => context.database.close());
  await ensureDefaultProject(context);
  if (settings.ownerTokenFile !== undefined) await writeOwnerTokenFile(context, settings.ownerTokenFile);
  const app = await createApp(context);
  undo.defer(() => closeGracefully(app, clock));
  registerFeatures(app, context);
  await app.listen(settings.listen);
  bound.port = (app.server.address() as AddressInfo).port;
  const running = undo.move();
  return { url: context.config.publicUrl, app, context, stop: () => running.disposeAsync() };
}

/** Lets requests end by themselves for a while, then ends their connections. */
async function closeGracefully(app: App, clock: Clock): Promise<void> {
  const closed = new AbortController();
  const cut = clock.sleep(STOP_GRACE_MS, closed.signal).then(
    () => app.server.closeAllConnections(),
    () => undefined,
  );
  await app.close();
  closed.abort();
  await cut;
}

/** Every feature's routes: one line each. */
function registerFeatures(app: App, context: Context): void {
  registerStatus(app, context);
  registerUsers(app, context);
  registerProjects(app, context);
  registerAudit(app, context);
}

async function openContext(
  { settings, clock, log }: ServerOptions,
  bound: { readonly port: number },
): Promise<Context> {
  const path = databasePath(settings.dataDir);
  const { applied, backup } = await migrate(path, MIGRATIONS, clock);
  if (applied.length > 0) log.info({ applied, backup }, "database migrated");
  const config = resolveConfig(settings, bound);
  const database = openDatabase(path);
  const bus = createMemoryBus();
  const metrics = createMetrics();
  const readiness = createReadiness();
  readiness.add("database", async () => {
    await database.read.selectFrom("projects").select("name").limit(1).execute();
    return true;
  });
  const serverKey = openServerKey(settings.dataDir);
  const access = createAccess({
    database,
    clock,
    publicUrl: () => config.publicUrl,
    deviceTokenKey: serverKey.derive("device-tokens"),
    deviceIsActive: async () => true,
  });
  const events = createEvents({ database, bus, clock, onStored: (event) => metrics.countEvent(event.action) });
  return { config, clock, log, database, events, access, bus, metrics, readiness, serverKey, tls: undefined };
}

/** The settings with an address that is right once the server listens, whatever port it was given. */
function resolveConfig(settings: Settings, bound: { readonly port: number }): Config {
  const { host } = settings.listen;
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    ...settings,
    get publicUrl() {
      return settings.publicUrl ?? `http://${name}:${bound.port}`;
    },
  };
}
