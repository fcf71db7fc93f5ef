import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import { followStore } from "@flotilla/guard/advisories/follow";
import { openSeedStore } from "@flotilla/guard/advisories/store";
import { formatCycloneDx } from "@flotilla/guard/report/cyclonedx";
import { registerAgents } from "./agents/routes.ts";
import { createEvents } from "./audit/events.ts";
import { registerAudit } from "./audit/routes.ts";
import { createMemoryBus } from "./bus.ts";
import type { Config, Settings } from "./config.ts";
import type { Context } from "./context.ts";
import { deviceIsActive } from "./devices/devices.ts";
import { registerFleet } from "./devices/fleet.ts";
import { createDevicePulls } from "./devices/pulls.ts";
import { formatHost } from "./http/address.ts";
import type { App } from "./http/app.ts";
import { createMetrics } from "./http/metrics.ts";
import { createReadiness } from "./http/readiness.ts";
import { createApp } from "./http/server.ts";
import { registerServerInfo } from "./http/server-routes.ts";
import { registerStatus } from "./http/status-routes.ts";
import { registerPages } from "./pages/routes.ts";
import { createPolicies } from "./policies/policies.ts";
import { registerPolicies } from "./policies/routes.ts";
import { registerProjects } from "./projects/routes.ts";
import { registerRegistry } from "./registry/register.ts";
import { createReleaseGuard } from "./releases/contents.ts";
import { createReleases, registerReleases } from "./releases/routes.ts";
import { claimDataDir, databasePath } from "./store/data-dir.ts";
import { type Database, openDatabase } from "./store/database.ts";
import { migrate } from "./store/migrate.ts";
import { MIGRATIONS } from "./store/migrations/index.ts";
import { openServerKey } from "./store/server-key.ts";
import { openTls } from "./tls/open-tls.ts";
import { createAccess } from "./users/access.ts";
import { ensureDefaultProject, writeOwnerTokenFile } from "./users/first-owner.ts";
import { registerUsers } from "./users/routes.ts";
import { issueSetupLink } from "./users/setup.ts";

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  /** While nobody can sign in: the one-time link that makes the first owner. A secret. */
  readonly setupUrl?: string;
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
  const context = await openContext(options, { bound, undo });
  await ensureDefaultProject(context);
  if (settings.ownerTokenFile !== undefined) await writeOwnerTokenFile(context, settings.ownerTokenFile);
  const app = await createApp(context);
  undo.defer(() => closeGracefully(app, clock));
  registerFeatures(app, context);
  await app.listen(settings.listen);
  bound.port = (app.server.address() as AddressInfo).port;
  const setupUrl = await issueSetupLink(context);
  const running = undo.move();
  return {
    url: context.config.publicUrl,
    ...(setupUrl === undefined ? {} : { setupUrl }),
    app,
    context,
    stop: () => running.disposeAsync(),
  };
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
  registerServerInfo(app, context);
  registerPages(app);
  registerAgents(app, context);
  registerUsers(app, context);
  registerProjects(app, context);
  registerAudit(app, context);
  registerPolicies(app, context);
  const advisories = followStore({
    file: join(context.config.dataDir, "advisories.store"),
    fallback: openSeedStore(),
    onRefused: ({ code, message }) => context.log.error({ code, reason: message }, "advisory store refused"),
  });
  context.readiness.add("advisories", async () => advisories().sources.length > 0);
  const policies = createPolicies(context);
  const registry = registerRegistry(app, context, {
    devicePulls: createDevicePulls(context.database.read),
    releaseGuard: createReleaseGuard(),
    advisories,
    policies,
  });
  registerReleases(app, { context, ...registry, advisories, policies, sbomOf: formatCycloneDx });
  registerFleet(app, context, createReleases(context));
}

interface Opening {
  readonly bound: { readonly port: number };
  /** What was opened is closed by it, in reverse order. */
  readonly undo: AsyncDisposableStack;
}

async function openContext(options: ServerOptions, { bound, undo }: Opening): Promise<Context> {
  const { settings, clock, log } = options;
  const renewal = new AbortController();
  undo.defer(() => renewal.abort());
  const tls = await openTls({ settings, clock, log, signal: renewal.signal });
  const config = resolveConfig(settings, { bound, tls: tls !== undefined });
  const database = await openMigratedDatabase(options);
  undo.defer(() => database.close());
  const bus = createMemoryBus();
  const metrics = createMetrics();
  const readiness = createReadiness();
  readiness.add("database", () => canWrite(database));
  const serverKey = openServerKey(settings.dataDir);
  const access = createAccess({
    database,
    clock,
    publicUrl: () => config.publicUrl,
    deviceTokenKey: serverKey.derive("device-tokens"),
    deviceIsActive: (device, project) => deviceIsActive(database.read, device, project),
  });
  const events = createEvents({ database, bus, clock, onStored: (event) => metrics.countEvent(event.action) });
  return { config, clock, log, database, events, access, bus, metrics, readiness, serverKey, tls };
}

async function openMigratedDatabase({ settings, clock, log }: ServerOptions): Promise<Database> {
  const path = databasePath(settings.dataDir);
  const { applied, backup } = await migrate(path, MIGRATIONS, clock);
  if (applied.length > 0) log.info({ applied, backup }, "database migrated");
  return openDatabase(path);
}

/** Reads, and takes and gives back the writer's lock. */
async function canWrite(database: Database): Promise<boolean> {
  await database.read.selectFrom("projects").select("name").limit(1).execute();
  await database.write(async () => {});
  return true;
}

/** The settings with an address that is right once the server listens, whatever port it was given. */
function resolveConfig(
  settings: Settings,
  { bound, tls }: { readonly bound: { readonly port: number }; readonly tls: boolean },
): Config {
  const { host } = settings.listen;
  const name = host === "0.0.0.0" || host === "::" ? hostname() : formatHost(host);
  return {
    ...settings,
    get publicUrl() {
      return settings.publicUrl ?? `${tls ? "https" : "http"}://${name}:${bound.port}`;
    },
  };
}
