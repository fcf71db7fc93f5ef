/**
 * Who may touch blobs and images. Bringing in is done by any number at a time, so that mending one app never waits for the download of
 * another; tidying away is done alone, and only when nothing is being brought in.
 */
export interface StorageLock {
  /** Runs `task` beside others of its kind; waits while things are tidied away. */
  bringIn<T>(task: () => Promise<T>): Promise<T>;
  /** Runs `task` alone; undefined, without running it, when something is being brought in or tidied away now. */
  tidyAway<T>(task: () => Promise<T>): Promise<T | undefined>;
}

export function createStorageLock(): StorageLock {
  let bringing = 0;
  let tidying: Promise<unknown> | undefined;
  return {
    async bringIn(task) {
      while (tidying !== undefined) await tidying;
      bringing++;
      try {
        return await task();
      } finally {
        bringing--;
      }
    },
    async tidyAway(task) {
      if (bringing > 0 || tidying !== undefined) return undefined;
      const work = task();
      tidying = work.then(
        () => undefined,
        () => undefined,
      );
      try {
        return await work;
      } finally {
        tidying = undefined;
      }
    },
  };
}
