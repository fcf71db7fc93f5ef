import { type Stats, statSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import { type OpenedStore, openStore } from "./store.ts";

export interface FollowOptions {
  /** A store that `flotilla db import` may replace, or make, at any time. */
  readonly file: string;
  /** What counts while there is no such file. */
  readonly fallback: OpenedStore;
  /** Told once of each file that cannot be opened; what was open before goes on counting. */
  readonly onRefused: (error: CodedError) => void;
}

/** The store of now: opened anew (in milliseconds) when the file was replaced since the last call. */
export function followStore(options: FollowOptions): () => OpenedStore {
  let seen = "";
  let current = options.fallback;
  return () => {
    const stats = statSync(options.file, { throwIfNoEntry: false });
    const identity = identityOf(stats);
    if (identity === seen) return current;
    seen = identity;
    current = stats === undefined ? options.fallback : reopen(options, current);
    return current;
  };
}

function reopen({ file, onRefused }: FollowOptions, before: OpenedStore): OpenedStore {
  try {
    return openStore(file);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    onRefused(error);
    return before;
  }
}

function identityOf(stats: Stats | undefined): string {
  return stats === undefined ? "" : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}
