import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import { mapLimit } from "@flotilla/base/semaphore";
import { digestOf } from "../release.ts";
import { RefusedError, type StepContext } from "../session.ts";
import type { ImageInstance } from "../spec.ts";
import { ignoring, isRefusal } from "./containers.ts";

const PARALLEL_FETCHES = 3;
/** A download that brings nothing for so long is given up for this time; what is there stays for the next. */
const STALL_MS = 5 * 60_000;
const BUSY_MS = 1000;

interface Wanted {
  readonly repository: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Fetches the blobs of `images` that are not on the device. */
export async function download(images: readonly ImageInstance[], context: StepContext): Promise<void> {
  const { session, blobs } = context;
  await context.storage.bringIn(async () => {
    const wanted: Wanted[] = [];
    for (const blob of blobsOf(images)) if (!(await blobs.has(blob.digest))) wanted.push(blob);
    if (wanted.length === 0) return;
    try {
      await fetchAll(wanted, context);
    } finally {
      session.progress = undefined;
    }
  });
}

async function fetchAll(wanted: readonly Wanted[], context: StepContext): Promise<void> {
  const done = new Map<Digest, number>();
  const totalBytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const show = () => {
    const doneBytes = [...done.values()].reduce((sum, bytes) => sum + bytes, 0);
    context.session.progress = { doneBytes: Math.min(doneBytes, totalBytes), totalBytes };
    context.publish();
  };
  show();
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, context.signal]);
  await mapLimit(wanted, PARALLEL_FETCHES, (blob) =>
    fetchOne(blob, { ...context, signal }, (bytes) => {
      done.set(blob.digest, bytes);
      show();
    }).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
}

/** Fetches one blob; each byte that comes gives it more time. */
async function fetchOne(blob: Wanted, context: StepContext, onProgress: (doneBytes: number) => void): Promise<void> {
  let bytes = 0;
  const stalled = new AbortController();
  const signal = AbortSignal.any([context.signal, stalled.signal]);
  const guard = watchStall(context, () => bytes, signal).then((late) => {
    if (late)
      stalled.abort(new CodedError("download-failed", `nothing of ${blob.digest} came for ${STALL_MS / 1000} s`));
  });
  try {
    await context.fetcher.fetch(
      blob,
      (doneBytes) => {
        bytes = doneBytes;
        onProgress(doneBytes);
      },
      signal,
    );
  } finally {
    stalled.abort();
    await guard;
  }
}

/** True when no progress was made for {@link STALL_MS}; false when the signal aborted first. */
async function watchStall(context: StepContext, progress: () => number, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const before = progress();
    try {
      await context.clock.sleep(STALL_MS, signal);
    } catch {
      return false;
    }
    if (progress() === before) return true;
  }
}

/** Hands an image whose blobs are here to the engine. It is noted first as one that the agent may remove again. */
export async function loadImage(image: ImageInstance, context: StepContext): Promise<void> {
  const { engine, blobs, journal, signal } = context;
  if (await engine.hasImage(image.config, signal)) return;
  await journal.update((state) =>
    state.images.includes(image.config) ? state : { ...state, images: [...state.images, image.config] },
  );
  try {
    await context.storage.bringIn(() => engine.loadImage(image.platform, image.repository, blobs, signal));
  } catch (error) {
    await dropDamaged(error, context);
    if (!isRefusal(error) || context.settled) throw error;
    const reason = `image ${image.repository} cannot be loaded into the engine: ${error.message}`;
    throw new RefusedError({ code: "image-load", reason, mayPass: true }, { cause: error });
  }
}

/** Takes an image out of the engine; one that others use stays. */
export async function removeImage(config: Digest, context: StepContext): Promise<void> {
  await ignoring([404, 409], () => context.engine.removeImage(config, context.signal));
}

/** Removes what one side of a switch needs alone. Waits while something is brought in for another app. */
export async function giveUp(
  { side, images }: { readonly side: "committed" | "attempt"; readonly images: readonly Digest[] },
  context: StepContext,
): Promise<void> {
  const { session, journal, clock, signal } = context;
  if (images.length > 0)
    await journal.updateApp(session.app, (app) =>
      app.attempt === undefined
        ? app
        : { ...app, attempt: { ...app.attempt, givenUp: [...new Set([...(app.attempt.givenUp ?? []), ...images])] } },
    );
  while (!(await context.giveUp({ app: session.app, side, images }, signal))) await clock.sleep(BUSY_MS, signal);
}

/** A blob that turned out to be other bytes is fetched again. */
async function dropDamaged(error: unknown, { blobs }: StepContext): Promise<void> {
  if (!isCoded(error, "image-damaged")) return;
  const blob = typeof error.details["blob"] === "string" ? parseDigest(error.details["blob"]) : undefined;
  if (blob !== undefined) await blobs.remove(blob);
}

/** Blobs that an image consists of on the registry: its config and its layers. */
export function blobsOf(images: readonly ImageInstance[]): readonly Wanted[] {
  const wanted = new Map<Digest, Wanted>();
  for (const { repository, config, platform } of images) {
    wanted.set(config, { repository, digest: config, sizeBytes: platform.configSizeBytes });
    for (const layer of platform.layers) {
      const digest = digestOf(layer.digest);
      wanted.set(digest, { repository, digest, sizeBytes: layer.sizeBytes });
    }
  }
  return [...wanted.values()];
}
