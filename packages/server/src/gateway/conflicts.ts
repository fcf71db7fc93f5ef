import type { Clock } from "@flotilla/base/clock";

/** How far back two starts of an agent are compared. */
const WINDOW_MS = 10 * 60_000;
/** Starts remembered of one device. */
const MAX_STARTS = 8;

export interface AgentStart {
  readonly bootId: string;
  readonly instanceId: string;
}

/** Notices that two machines use one key. */
export interface KeyConflicts {
  /** To be told of each connection; gives the other start when the key is in two places, at most once in ten minutes. */
  connected(device: string, start: AgentStart): AgentStart | undefined;
  /** Forgets what is too old to matter. */
  prune(): void;
}

interface Known {
  readonly starts: { readonly start: AgentStart; at: number }[];
  toldAt: number | undefined;
}

/**
 * An agent that starts again has a new instance id and never comes back under the old one. So when an earlier instance connects again after another
 * one did, both are alive: the key was copied.
 */
export function createKeyConflicts(clock: Clock): KeyConflicts {
  const devices = new Map<string, Known>();
  return {
    connected(device, start) {
      const now = clock.monotonic();
      const known = devices.get(device) ?? { starts: [], toldAt: undefined };
      devices.set(device, known);
      const last = known.starts.at(-1);
      const index = known.starts.findIndex((one) => one.start.instanceId === start.instanceId);
      const earlier = index === -1 ? undefined : known.starts.splice(index, 1)[0];
      known.starts.push({ start, at: now });
      if (known.starts.length > MAX_STARTS) known.starts.shift();
      if (earlier === undefined || last === undefined || last.start.instanceId === start.instanceId) return undefined;
      if (now - earlier.at > WINDOW_MS || (known.toldAt !== undefined && now - known.toldAt < WINDOW_MS))
        return undefined;
      known.toldAt = now;
      return last.start;
    },
    prune() {
      const since = clock.monotonic() - WINDOW_MS;
      for (const [device, known] of devices) if ((known.starts.at(-1)?.at ?? 0) < since) devices.delete(device);
    },
  };
}
