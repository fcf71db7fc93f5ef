import { deadlineSignal } from "@flotilla/base/clock";
import { LABELS } from "../ports.ts";
import type { EngineHttp } from "./http.ts";

const EVENTS = [
  "create",
  "start",
  "die",
  "stop",
  "oom",
  "restart",
  "destroy",
  "rename",
  "health_status",
  "pause",
  "unpause",
];
/** An events stream is given up and opened anew after this long, so that a connection that died in silence is noticed. */
const EVENTS_LAST_MS = 15 * 60_000;

/** Resolves at the next event of a container of ours, at the signal, or when the stream has lasted long enough. */
export async function nextChange(http: EngineHttp, signal: AbortSignal): Promise<void> {
  const filters = JSON.stringify({ type: ["container"], label: [LABELS.app], event: EVENTS });
  const lasting = deadlineSignal(EVENTS_LAST_MS, signal);
  try {
    const stream = await http.stream({
      method: "GET",
      path: "/events",
      query: { filters },
      deadlineMs: 2 * EVENTS_LAST_MS,
      signal: lasting,
    });
    for await (const chunk of stream) if (chunk.length > 0) return;
  } catch (error) {
    if (!lasting.aborted) throw error;
  }
}
