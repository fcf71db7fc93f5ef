import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import type { Events } from "./audit/events.ts";
import type { Bus } from "./bus.ts";
import type { Config } from "./config.ts";
import type { Database } from "./store/database.ts";
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
}
