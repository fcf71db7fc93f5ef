import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import type { AppState } from "@flotilla/protocol/device";
import type { Blobs, Engine, Fetcher, Host, Link, Store } from "./ports.ts";

/** Everything the agent touches, as parameters; `main.ts` wires the real ones, `sim` the fake ones. */
export interface AgentOptions {
  readonly engine: Engine;
  readonly link: Link;
  readonly store: Store;
  readonly blobs: Blobs;
  readonly fetcher: Fetcher;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Log;
  /** SPKI DER, base64, of the only key whose targets are accepted (from the enrolment). */
  readonly targetKey: string;
  readonly deviceId: string;
  readonly agentVersion: string;
}

/** What the agent knows now, for `flotilla-agent status`. */
export interface AgentStatus {
  readonly connected: boolean;
  readonly targetVersion: number;
  readonly apps: Readonly<Record<string, AppState>>;
}

export interface Agent {
  /** Runs until the signal aborts; throws only when the journal cannot be read at all. */
  run(signal: AbortSignal): Promise<void>;
  status(): AgentStatus;
}
