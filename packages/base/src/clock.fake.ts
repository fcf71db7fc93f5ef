import type { Clock } from "./clock.ts";

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/** A clock that moves only when told. Both readings move together unless {@link FakeClock.jump} sets the wall clock alone. */
export class FakeClock implements Clock {
  #wall: number;
  #elapsed = 0;
  #order = 0;
  #sleepers: Sleeper[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const sleeper: Sleeper = {
        at: this.#elapsed + Math.max(0, ms),
        order: this.#order++,
        wake: () => finish(resolve),
      };
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      const finish = (then: () => void) => {
        signal?.removeEventListener("abort", onAbort);
        then();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Sets the wall clock `ms` forward or back without time passing, as NTP or a person does. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Lets `ms` pass, waking sleepers in order and letting their continuations run before going on. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (;;) {
      const next = this.#nextBefore(end);
      if (next === undefined) break;
      this.#moveTo(next.at);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
      await settle();
    }
    this.#moveTo(end);
  }

  #nextBefore(end: number): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > end) continue;
      if (next === undefined || sleeper.at < next.at || (sleeper.at === next.at && sleeper.order < next.order))
        next = sleeper;
    }
    return next;
  }

  #moveTo(elapsed: number): void {
    this.#wall += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

/** Lets pending promise continuations and immediate I/O callbacks run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}
