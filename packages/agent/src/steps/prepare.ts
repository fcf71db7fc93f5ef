import { CodedError, isCoded } from "@flotilla/base/errors";
import type { Held } from "../journal.ts";
import { imagesToGiveUp, lateImages } from "../plan-late.ts";
import type { EngineState } from "../ports.ts";
import { LABELS } from "../ports.ts";
import { checkPreflight, freedBytes, missingLayers, type Refusal, takenPorts } from "../preflight.ts";
import { loadRelease } from "../release.ts";
import { pairKey, RefusedError, type StepContext } from "../session.ts";
import { buildInstance, type ImageInstance, type Instance, platformOf } from "../spec.ts";

/** Refusals of a release that no waiting cures on this device. */
const FINAL_CODES: readonly string[] = [
  "release-invalid",
  "release-format",
  "manifest-invalid",
  "architecture-unsupported",
  "variable-missing",
  "variable-invalid",
  "dependency-cycle",
];
const COMMITTED_RETRY_MS = 5 * 60_000;

/** Brings a release's small parts to the device and builds what it means here. From the device's own blobs where they are whole. */
export async function fetchRelease(
  step: { readonly role: "target" | "committed"; readonly held: Held },
  context: StepContext,
): Promise<void> {
  const { session, log } = context;
  try {
    session.instances.set(pairKey(step.held), await build(step.held, context));
  } catch (error) {
    context.signal.throwIfAborted();
    if (step.role === "committed") {
      log.warn({ app: session.app, release: step.held.release, error }, "the committed release cannot be read");
      session.committedLostUntilMs = context.clock.monotonic() + COMMITTED_RETRY_MS;
      return;
    }
    if (error instanceof CodedError && FINAL_CODES.includes(error.code))
      throw new RefusedError({ code: error.code, reason: error.message, mayPass: false }, { cause: error });
    throw error;
  }
}

async function build(held: Held, context: StepContext): Promise<Instance> {
  const { session, blobs, fetcher, engine, signal } = context;
  const release = await context.storage.bringIn(() =>
    loadRelease({ release: held.release, repository: held.repository, app: session.app }, { blobs, fetcher }, signal),
  );
  return buildInstance(session.app, release, held, platformOf(await engine.facts(signal)));
}

/** Checks whether the device can take the release, before a byte of an image is fetched. Makes room first when disk is all that lacks. */
export async function preflight(instance: Instance, context: StepContext): Promise<void> {
  let refusal = await check(instance, context);
  if (refusal?.code === "disk" && (await context.makeRoom(context.signal))) refusal = await check(instance, context);
  if (refusal !== undefined) throw new RefusedError(refusal);
  context.session.preflighted = pairKey(instance.held);
}

async function check(instance: Instance, context: StepContext): Promise<Refusal | undefined> {
  const { engine, blobs, host, signal, session, journal } = context;
  const absent = [];
  for (const image of instance.images) if (!(await engine.hasImage(image.config, signal))) absent.push(image);
  const committed = journal.app(session.app).committed;
  const running = committed === undefined ? undefined : session.instances.get(pairKey(committed));
  const late = lateImages(instance, running);
  const early = absent.filter(({ config }) => !late.has(config));
  const freed = await freedInSwitch(instance, running, absent, context);
  return checkPreflight(instance, {
    engine: await engine.facts(signal),
    freeBytes: await blobs.freeBytes(),
    diskBytes: (await host.facts()).diskBytes,
    missing: await missingLayers(early, blobs),
    late: { missing: await missingLayers(absent, blobs), freedBytes: freed },
    takenPorts: await takenPorts(instance, running, ofApp(await engine.list(signal), session.app), host),
  });
}

/** Bytes that services which delete before they download free; only images that the agent itself brought are removed. */
async function freedInSwitch(
  instance: Instance,
  running: Instance | undefined,
  absent: readonly ImageInstance[],
  { journal, blobs }: StepContext,
): Promise<number> {
  const late = lateImages(instance, running);
  const fetched = new Set(absent.map(({ config }) => config).filter((config) => late.has(config)));
  const gone = imagesToGiveUp(instance, running, fetched).filter((config) => journal.state().images.includes(config));
  const images = running?.images ?? [];
  const others = [...instance.images, ...images.filter(({ config }) => !gone.includes(config))];
  return freedBytes(
    images.filter(({ config }) => gone.includes(config)),
    others,
    blobs,
  );
}

/** The part of the engine's state that belongs to one app. */
export function ofApp(state: EngineState, app: string): EngineState {
  return {
    containers: state.containers.filter(({ labels }) => labels[LABELS.app] === app),
    networks: state.networks.filter((network) => network.app === app),
    volumes: state.volumes.filter((volume) => volume.app === app),
  };
}

/** Whether an error is one that waiting does not cure. */
export function isFinal(error: unknown): boolean {
  return FINAL_CODES.some((code) => isCoded(error, code));
}
