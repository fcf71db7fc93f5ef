import type { EngineContainer } from "./ports.ts";

/** What this run of the agent has seen of one container, on the clock that never jumps. */
export interface Observation {
  /** When it was first seen started. */
  readonly firstSeenMs: number;
  /** Since when it runs without a restart. */
  readonly stableSinceMs: number;
  /** Restarts it had when first seen. */
  readonly firstRestarts: number;
  readonly restarts: number;
  readonly startedAtMs: number | undefined;
  readonly probe?: { readonly passed: boolean; readonly detail: string };
}

export interface Observations {
  /** Takes in what the engine says now; containers that are gone are forgotten. */
  see(containers: readonly EngineContainer[], nowMs: number): void;
  of(id: string): Observation | undefined;
  probed(id: string, passed: boolean, detail: string): void;
  /** Deadlines of this container, or of all, count anew. */
  forget(id: string): void;
  forgetAll(): void;
}

/** Observations of one app's containers. */
export function createObservations(): Observations {
  let seen = new Map<string, Observation>();
  return {
    see(containers, nowMs) {
      const next = new Map<string, Observation>();
      for (const container of containers) {
        if (container.state === "created") continue;
        next.set(container.id, observe(container, seen.get(container.id), nowMs));
      }
      seen = next;
    },
    of: (id) => seen.get(id),
    probed(id, passed, detail) {
      const before = seen.get(id);
      if (before !== undefined) seen.set(id, { ...before, probe: { passed, detail } });
    },
    forget: (id) => seen.delete(id),
    forgetAll: () => seen.clear(),
  };
}

function observe(container: EngineContainer, before: Observation | undefined, nowMs: number): Observation {
  const now = { restarts: container.restarts, startedAtMs: container.startedAtMs };
  if (before === undefined)
    return { firstSeenMs: nowMs, stableSinceMs: nowMs, firstRestarts: container.restarts, ...now };
  const same = before.restarts === container.restarts && before.startedAtMs === container.startedAtMs;
  if (same && container.state === "running") return before;
  // Restarted, or not running: whatever a probe said is of another process.
  const { probe: _, ...kept } = before;
  return { ...kept, ...now, stableSinceMs: nowMs };
}
