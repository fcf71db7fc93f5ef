import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { type Engine, EngineError } from "./ports.ts";

const CALL_MS = 60_000;
const CHANGE_MS = 120_000;
/** Longer than what hooks are given. */
const HOOK_MS = 15 * 60_000;
const LOAD_MS = 45 * 60_000;
const STOP_MARGIN_MS = 60_000;

export interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `task` with a signal that aborts with `deadline.signal` or after `deadline.ms`, and does not wait for a task that ignores it.
 * Late: throws `CodedError("deadline")`.
 */
export async function within<T>(deadline: Deadline, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  deadline.signal?.throwIfAborted();
  const controller = new AbortController();
  const signal =
    deadline.signal === undefined ? controller.signal : AbortSignal.any([controller.signal, deadline.signal]);
  const late = deadline.clock.sleep(deadline.ms, signal).then(() => {
    throw new CodedError("deadline", `${deadline.what} took longer than ${Math.round(deadline.ms / 1000)} s`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([task(signal), late]);
  } finally {
    controller.abort();
  }
}

/** `engine` with a deadline on every call; a late call is an engine that cannot be reached (`EngineError` with status 0). */
export function withDeadlines(engine: Engine, clock: Clock): Engine {
  const call = <T>(
    what: string,
    ms: number,
    signal: AbortSignal | undefined,
    task: (signal: AbortSignal) => Promise<T>,
  ) =>
    within({ clock, ms, what: `engine: ${what}`, signal }, task).catch((error: unknown) => {
      if (error instanceof CodedError && error.code === "deadline") throw new EngineError(0, error.message);
      throw error;
    });
  return {
    facts: (signal) => call("facts", CALL_MS, signal, (s) => engine.facts(s)),
    list: (signal) => call("list", CALL_MS, signal, (s) => engine.list(s)),
    hasImage: (config, signal) => call("image inspect", CALL_MS, signal, (s) => engine.hasImage(config, s)),
    loadImage: (platform, name, blobs, signal) =>
      call("image load", LOAD_MS, signal, (s) => engine.loadImage(platform, name, blobs, s)),
    removeImage: (config, signal) => call("image removal", CHANGE_MS, signal, (s) => engine.removeImage(config, s)),
    createNetwork: (spec, signal) => call("network creation", CHANGE_MS, signal, (s) => engine.createNetwork(spec, s)),
    removeNetwork: (name, signal) => call("network removal", CHANGE_MS, signal, (s) => engine.removeNetwork(name, s)),
    createVolume: (spec, signal) => call("volume creation", CHANGE_MS, signal, (s) => engine.createVolume(spec, s)),
    createContainer: (spec, signal) =>
      call("container creation", CHANGE_MS, signal, (s) => engine.createContainer(spec, s)),
    startContainer: (id, signal) => call("container start", CHANGE_MS, signal, (s) => engine.startContainer(id, s)),
    stopContainer: (id, graceMs, signal) =>
      call("container stop", graceMs + STOP_MARGIN_MS, signal, (s) => engine.stopContainer(id, graceMs, s)),
    removeContainer: (id, signal) => call("container removal", CHANGE_MS, signal, (s) => engine.removeContainer(id, s)),
    renameContainer: (id, name, signal) =>
      call("container rename", CALL_MS, signal, (s) => engine.renameContainer(id, name, s)),
    exec: (id, command, signal, options) =>
      call("exec", options === undefined ? CALL_MS : HOOK_MS, signal, (s) => engine.exec(id, command, s, options)),
    addressOf: (id, port, signal) => call("container address", CALL_MS, signal, (s) => engine.addressOf(id, port, s)),
    logs: (id, lines, signal) => call("logs", CALL_MS, signal, (s) => engine.logs(id, lines, s)),
    changed: (signal) => engine.changed(signal),
  };
}
