import type { Service } from "@flotilla/compose/app";
import type { Observation } from "./observe.ts";
import type { EngineContainer } from "./ports.ts";

/** A service with neither health check nor probe is believed after it ran this long without a restart. */
export const DEFAULT_STABLE_MS = 10_000;
/** A container that was restarted this often on probation is in a crash loop; fewer restarts only start its stable time anew. */
export const CRASH_LOOP_RESTARTS = 3;
/** How long a service without a deadline of its own may take until it is stable. */
const STABLE_DEADLINE_MS = 120_000;
/** For health checks that come with the image, whose times the release does not say. */
const IMAGE_HEALTH_DEADLINE_MS = 300_000;
const HEALTH_MARGIN_MS = 30_000;
// Docker's defaults (docker run --health-*).
const HEALTH_INTERVAL_MS = 30_000;
const HEALTH_TIMEOUT_MS = 30_000;
const HEALTH_RETRIES = 3;

export type Judgement =
  /** `finished`: it has done its work and exited. */
  | { readonly kind: "good"; readonly finished: boolean }
  | { readonly kind: "pending"; readonly untilMs: number; readonly why: string }
  | { readonly kind: "failed"; readonly code: string; readonly reason: string };

export interface JudgeContext {
  readonly service: Service;
  readonly observation: Observation | undefined;
  readonly nowMs: number;
  /** Whether it was started for the release on trial; one that ran before gets until its deadline to be healthy. */
  readonly fresh: boolean;
  /** Whether other services wait for it to complete. */
  readonly completes: boolean;
}

/** What a started container has proved so far. Pure; the same input gives the same judgement. */
export function judgeContainer(container: EngineContainer, context: JudgeContext): Judgement {
  if (container.oomKilled && container.state !== "running")
    return failed("out-of-memory", "the kernel killed it: it used more memory than it may");
  const { observation, nowMs } = context;
  if (observation === undefined)
    return { kind: "pending", untilMs: nowMs + STABLE_DEADLINE_MS, why: "not started yet" };
  if (restartsSeen(container, context) >= CRASH_LOOP_RESTARTS)
    return failed("crash-loop", `restarted ${container.restarts} times${exitText(container)}`);
  switch (container.state) {
    case "exited":
    case "dead":
      return judgeExited(container, context);
    case "running":
      return context.completes
        ? pendingUntil(context, "has not completed")
        : judgeRunning(container, context, observation);
    case "created":
    case "restarting":
    case "paused":
    case "removing":
      return pendingUntil(context, `is ${container.state}`);
  }
}

/** How long a started container of this service may take to prove itself. */
export function deadlineMs(service: Service, health: EngineContainer["health"]): number {
  if (service.probe !== undefined) return service.probe.deadlineMs;
  const check = service.healthcheck;
  if (check === undefined || check.test[0] === "NONE")
    return health === "none" ? STABLE_DEADLINE_MS : IMAGE_HEALTH_DEADLINE_MS;
  const round = (check.intervalMs ?? HEALTH_INTERVAL_MS) + (check.timeoutMs ?? HEALTH_TIMEOUT_MS);
  return (check.startPeriodMs ?? 0) + round * (check.retries ?? HEALTH_RETRIES) + HEALTH_MARGIN_MS;
}

/** Whether an exit with this code is the end of its work and not a failure. */
export function mayFinish(service: Service, completes: boolean): boolean {
  return completes || service.restart.policy === "no" || service.restart.policy === "on-failure";
}

function judgeExited(container: EngineContainer, context: JudgeContext): Judgement {
  if (container.exitCode === 0 && mayFinish(context.service, context.completes))
    return { kind: "good", finished: true };
  return failed("exited", `stopped${exitText(container)}`);
}

function judgeRunning(container: EngineContainer, context: JudgeContext, observation: Observation): Judgement {
  const { service, nowMs } = context;
  if (service.probe !== undefined && service.probe.kind !== "stable-for") {
    if (observation.probe?.passed) return good;
    return pendingUntil(context, observation.probe?.detail ?? `has not answered its ${service.probe.kind} probe`);
  }
  if (service.probe === undefined && container.health !== "none") {
    if (container.health === "healthy") return good;
    if (container.health === "unhealthy" && context.fresh) return failed("unhealthy", "its health check fails");
    return pendingUntil(
      context,
      container.health === "unhealthy" ? "its health check fails" : "is not healthy yet",
      container,
    );
  }
  const stableMs = service.probe?.stableMs ?? DEFAULT_STABLE_MS;
  if (nowMs - observation.stableSinceMs >= stableMs) return good;
  const stable = observation.stableSinceMs + stableMs;
  const late = pendingUntil(context, `has not run for ${stableMs / 1000} s without a restart`);
  return late.kind === "pending" ? { ...late, untilMs: Math.min(late.untilMs, stable) } : late;
}

function pendingUntil(context: JudgeContext, why: string, container?: EngineContainer): Judgement {
  const from = context.observation?.firstSeenMs ?? context.nowMs;
  const untilMs = from + deadlineMs(context.service, container?.health ?? "none");
  if (context.nowMs < untilMs) return { kind: "pending", untilMs, why };
  return failed("deadline", `${why} after ${Math.round((context.nowMs - from) / 1000)} s`);
}

/** Restarts on trial: of a container that ran before, only those since it was first seen. */
function restartsSeen(container: EngineContainer, context: JudgeContext): number {
  return container.restarts - (context.fresh ? 0 : (context.observation?.firstRestarts ?? container.restarts));
}

function exitText(container: EngineContainer): string {
  return container.exitCode === undefined ? "" : ` with exit code ${container.exitCode}`;
}

function failed(code: string, reason: string): Judgement {
  return { kind: "failed", code, reason };
}

const good: Judgement = { kind: "good", finished: false };
