import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import type { Events } from "./audit/events.ts";
import type { Bus } from "./bus.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./http/metrics.ts";
import type { Readiness } from "./http/readiness.ts";
import type { Database } from "./store/database.ts";
import type { ServerKey } from "./store/server-key.ts";
import type { ServerTls } from "./tls/server-tls.ts";
import type { Access } from "./users/access.ts";

/** What every feature of the control plane is given. Wired once, in `serve.ts`. */
export interface Context {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database;
  readonly events: Events;
  readonly access: Access;
  readonly bus: Bus;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Keys of this server, never in its database nor in a backup of it. */
  readonly serverKey: ServerKey;
  /** Undefined when it listens in clear. */
  readonly tls: ServerTls | undefined;
}
