import type { Clock } from "@flotilla/base/clock";

/** For so long a tag is believed to name what it named. */
export const TAG_FRESH_MS = 5 * 60_000;
/** For so long a registry that is away is not asked again about the tag. */
const AWAY_MS = 30_000;
/** Tags that are remembered. */
const MAX_TAGS = 10_000;

/** When tags were last compared with the other registry; in memory, so a restart compares them again. */
export class Freshness {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #until = new Map<string, number>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  isFresh(key: string): boolean {
    return this.#clock.monotonic() < (this.#until.get(key) ?? Number.NEGATIVE_INFINITY);
  }

  /** It was just compared. */
  seen(key: string): void {
    this.#keep(key, TAG_FRESH_MS);
  }

  /** It could not be compared. */
  away(key: string): void {
    this.#keep(key, AWAY_MS);
  }

  #keep(key: string, forMs: number): void {
    if (this.#until.size >= MAX_TAGS) this.#until.clear();
    this.#until.set(key, this.#clock.monotonic() + forMs);
  }
}
