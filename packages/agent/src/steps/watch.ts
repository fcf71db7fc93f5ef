import { messageOf } from "@flotilla/base/errors";
import type { Service } from "@flotilla/compose/app";
import { within } from "../deadlines.ts";
import { EngineError } from "../ports.ts";
import type { StepContext } from "../session.ts";
import type { Instance } from "../spec.ts";
import { placesOf } from "../survey.ts";
import { ofApp } from "./prepare.ts";

const PROBE_INTERVAL_MS = 1000;
const PROBE_TIMEOUT_MS = 5000;
/** Containers are looked at this often even when the engine reports no change. */
const LOOK_MS = 5000;

/** Runs the probes that have not passed yet, then waits for a change. */
export async function watch(
  step: { readonly instance: Instance | undefined; readonly untilMs: number },
  context: StepContext,
): Promise<void> {
  const probes = step.instance === undefined ? { open: false, passed: false } : await probeAll(step.instance, context);
  // A probe that has just passed is judged at once.
  if (probes.passed) return;
  const left = Math.max(1, step.untilMs - context.clock.monotonic());
  await context.pause(Math.min(left, probes.open ? PROBE_INTERVAL_MS : LOOK_MS));
}

/** `open`: a probe has yet to pass; `passed`: one passed just now. */
async function probeAll(
  instance: Instance,
  context: StepContext,
): Promise<{ readonly open: boolean; readonly passed: boolean }> {
  const { engine, session, signal } = context;
  const found = { open: false, passed: false };
  for (const { service, container } of placesOf(instance, ofApp(await engine.list(signal), session.app))) {
    const { probe } = service.service;
    if (container?.state !== "running" || probe === undefined || probe.kind === "stable-for") continue;
    if (session.observations.of(container.id)?.probe?.passed) continue;
    const result = await probeOne(container.id, probe, context);
    session.observations.probed(container.id, result.passed, result.detail);
    found[result.passed ? "passed" : "open"] = true;
  }
  return found;
}

type ActiveProbe = Exclude<NonNullable<Service["probe"]>, { kind: "stable-for" }>;

async function probeOne(
  id: string,
  probe: ActiveProbe,
  context: StepContext,
): Promise<{ readonly passed: boolean; readonly detail: string }> {
  const deadline = { clock: context.clock, ms: PROBE_TIMEOUT_MS, what: `${probe.kind} probe`, signal: context.signal };
  try {
    return await within(deadline, (signal) => runProbe(id, probe, context, signal));
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof EngineError && error.status === 0) throw error;
    return { passed: false, detail: messageOf(error) };
  }
}

async function runProbe(
  id: string,
  probe: ActiveProbe,
  context: StepContext,
  signal: AbortSignal,
): Promise<{ readonly passed: boolean; readonly detail: string }> {
  if (probe.kind === "exec") {
    const code = await context.engine.exec(id, probe.command, signal);
    return { passed: code === 0, detail: `its exec probe ended with exit code ${code}` };
  }
  const address = await context.engine.addressOf(id, probe.port, signal);
  if (address === undefined) return { passed: false, detail: `port ${probe.port} cannot be reached from the device` };
  if (probe.kind === "tcp") {
    const opened = await context.host.probe({ kind: "tcp", ...address }, signal);
    return { passed: opened !== undefined, detail: `port ${probe.port} does not accept connections` };
  }
  const status = await context.host.probe({ kind: "http", ...address, path: probe.path }, signal);
  const passed =
    probe.expectStatus === undefined
      ? status !== undefined && status >= 200 && status < 400
      : status === probe.expectStatus;
  return { passed, detail: `port ${probe.port}${probe.path} answers ${status ?? "nothing"}` };
}
