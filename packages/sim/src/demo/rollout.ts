import type { Clock } from "@flotilla/base/clock";
import { formatDuration } from "@flotilla/base/units";
import { Rollout, RolloutDevice } from "@flotilla/protocol/api/rollouts";
import type { ApiClient } from "@flotilla/protocol/client";
import { bar, type Screen } from "./screen.ts";

const LOOK_MS = 400;
const LIMIT_MS = 90_000;
const ENDED: readonly string[] = ["finished", "stopped", "aborted"];
const ROLLOUTS = "/api/v1/projects/default/rollouts";

/** Follows a rollout until it has ended, or for a minute and a half. */
export async function followRollout(client: ApiClient, id: string, screen: Screen, clock: Clock): Promise<Rollout> {
  const startedMs = clock.monotonic();
  for (;;) {
    const rollout = await client.get(`${ROLLOUTS}/${id}`, Rollout);
    screen.progress(
      progressLine(rollout, screen.interactive ? formatDuration(clock.monotonic() - startedMs) : undefined),
    );
    if (ENDED.includes(rollout.state) || clock.monotonic() - startedMs > LIMIT_MS) return rollout;
    await clock.sleep(LOOK_MS);
  }
}

/** `phase 2 of 3  ██████░░░░  7 of 26 devices committed, 3 under way` */
function progressLine(rollout: Rollout, time: string | undefined): string {
  const { counts, phases, phase } = rollout;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const where = phase === undefined ? "preparing   " : `phase ${phase + 1} of ${phases.length}`;
  const parts = [`${counts.committed} of ${total} devices committed`];
  if (counts.pending > 0) parts.push(`${counts.pending} under way`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts["put-back"] > 0) parts.push(`${counts["put-back"]} put back`);
  return `${where}  ${bar(counts.committed, total)}  ${parts.join(", ")}${time === undefined ? "" : `  ${time}`}`;
}

/** The devices that a rollout touched and that did not take it. */
export async function failedDevices(client: ApiClient, id: string): Promise<readonly RolloutDevice[]> {
  const devices: RolloutDevice[] = [];
  for await (const device of client.items(`${ROLLOUTS}/${id}/devices`, RolloutDevice, { query: { outcome: "failed" } }))
    devices.push(device);
  return devices;
}
