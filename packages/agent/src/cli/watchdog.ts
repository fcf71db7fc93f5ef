import { execFile } from "node:child_process";
import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";

const NOTIFY_DEADLINE_MS = 10_000;

/**
 * Tells systemd that the agent is alive, as long as its event loop turns; when it stops saying so, systemd restarts it. The notification
 * socket is a datagram socket, which neither runtime can open, so systemd's own small program is run, a few times in an hour.
 */
export async function feedWatchdog(
  { intervalMs }: { readonly intervalMs: number },
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (let failed = false; !signal.aborted; ) {
    const error = await notify();
    if (error !== undefined && !failed) log.warn({ error }, "systemd-notify failed; systemd will restart the agent");
    failed = error !== undefined;
    await clock.sleep(intervalMs, signal).catch(() => undefined);
  }
}

function notify(): Promise<Error | undefined> {
  return new Promise((resolve) => {
    execFile("systemd-notify", ["WATCHDOG=1"], { timeout: NOTIFY_DEADLINE_MS }, (error) => resolve(error ?? undefined));
  });
}
