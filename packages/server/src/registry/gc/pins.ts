import type { Digest } from "@flotilla/base/digest";

/**
 * Keeps apart whoever stores and links content and whoever removes it: bytes are removed only while nobody holds them, and nobody gets hold of them
 * while they are removed. For one process on one store; several processes need a lock of their database instead.
 */
export interface Pins {
  /** Runs `work` while the content cannot be removed; holds of one content run side by side and may nest. */
  hold<T>(digest: Digest, work: () => Promise<T>): Promise<T>;
  /** Runs `work`, which removes the content, unless somebody holds it: undefined then. Others wait until it ended. */
  unlessHeld<T>(digest: Digest, work: () => Promise<T>): Promise<T | undefined>;
}

/** Pins of one process. */
export function createPins(): Pins {
  const holders = new Map<Digest, number>();
  const removals = new Map<Digest, Promise<void>>();
  return {
    async hold(digest, work) {
      while (removals.has(digest)) await removals.get(digest);
      holders.set(digest, (holders.get(digest) ?? 0) + 1);
      try {
        return await work();
      } finally {
        const left = (holders.get(digest) ?? 1) - 1;
        if (left === 0) holders.delete(digest);
        else holders.set(digest, left);
      }
    },
    async unlessHeld(digest, work) {
      if (holders.has(digest) || removals.has(digest)) return undefined;
      const removal = Promise.withResolvers<void>();
      removals.set(digest, removal.promise);
      try {
        return await work();
      } finally {
        removals.delete(digest);
        removal.resolve();
      }
    },
  };
}
