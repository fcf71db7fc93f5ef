import type { Digest } from "@flotilla/base/digest";
import { messageOf } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import { type Held, isBad, type Journal, samePair } from "./journal.ts";
import { type Blobs, type Engine, EngineError } from "./ports.ts";
import { loadRelease } from "./release.ts";
import { imagesOf, platformOf } from "./spec.ts";
import { blobsOf } from "./steps/images.ts";

export interface RetentionOptions {
  readonly engine: Engine;
  readonly blobs: Blobs;
  readonly journal: Journal;
  readonly log: Log;
  /** What the server wants now, by app. */
  readonly targets: Readonly<Record<string, Held>>;
  /** Whether the previous releases' copies stay. */
  readonly keepPrevious: boolean;
  readonly givenUp?: GivenUp;
}

/** What one app gives up in a switch: of the committed release the images (config digests), or all of the attempt. */
export interface GivenUp {
  readonly app: string;
  readonly side: "committed" | "attempt";
  readonly images: readonly Digest[];
}

interface Kept {
  readonly blobs: Set<Digest>;
  readonly images: Set<Digest>;
}

/**
 * Removes blobs and images that no release needs which runs, ran before, is on trial or is wanted. Of images only those that the agent
 * itself put into the engine. Removes nothing when a release that runs cannot be read, since what it needs is then unknown. Returns how
 * many things went.
 */
export async function tidyStorage(options: RetentionOptions, signal: AbortSignal): Promise<number> {
  const kept = await whatIsKept(options, signal);
  if (kept === undefined) return 0;
  const images = await removeImages(kept.images, options, signal);
  let blobs = 0;
  for (const digest of await options.blobs.list()) {
    if (kept.blobs.has(digest)) continue;
    signal.throwIfAborted();
    await options.blobs.remove(digest);
    blobs++;
  }
  if (images + blobs > 0) options.log.info({ images, blobs }, "removed what no release needs");
  return images + blobs;
}

async function whatIsKept(options: RetentionOptions, signal: AbortSignal): Promise<Kept | undefined> {
  const { journal, targets, keepPrevious, givenUp } = options;
  const kept: Kept = { blobs: new Set(), images: new Set() };
  for (const [app, { committed, previous, attempt }] of Object.entries(journal.state().apps)) {
    const gives = givenUp?.app === app ? givenUp.side : undefined;
    const tried = gives === "attempt" ? undefined : attempt?.target;
    for (const held of [committed, tried]) {
      if (held !== undefined && !(await keep(app, held, kept, options, signal))) return undefined;
    }
    if (previous !== undefined && keepPrevious && gives === undefined) await keep(app, previous, kept, options, signal);
  }
  for (const [app, held] of Object.entries(targets)) {
    const given = givenUp?.app === app && givenUp.side === "attempt";
    if (!given && !isBad(journal.state(), app, held)) await keep(app, held, kept, options, signal);
  }
  return kept;
}

/** False when the release is not on the device, whole. */
async function keep(
  app: string,
  held: Held,
  kept: Kept,
  { blobs, engine, log, journal, givenUp }: RetentionOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const platform = platformOf(await engine.facts(signal));
  try {
    const release = await loadRelease({ app, release: held.release, repository: held.repository }, { blobs }, signal);
    const gives =
      givenUp?.app === app && givenUp.side === "committed" && samePair(journal.state().apps[app]?.committed, held);
    const images = imagesOf(release, platform).filter(({ config }) => !gives || !givenUp.images.includes(config));
    for (const digest of release.ownBlobs) kept.blobs.add(digest);
    for (const { digest } of blobsOf(images)) kept.blobs.add(digest);
    for (const { config } of images) kept.images.add(config);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    log.debug({ app, release: held.release, reason: messageOf(error) }, "a release is not on the device");
    return false;
  }
}

async function removeImages(
  kept: ReadonlySet<Digest>,
  options: RetentionOptions,
  signal: AbortSignal,
): Promise<number> {
  const { engine, journal, log } = options;
  const gone: Digest[] = [];
  for (const config of journal.state().images) {
    if (kept.has(config)) continue;
    try {
      await engine.removeImage(config, signal);
    } catch (error) {
      if (!(error instanceof EngineError) || error.status === 0) throw error;
      // 409: a container of somebody uses it; it is asked again next time. 404: it is gone.
      log.debug({ image: config, status: error.status }, "an image was not removed");
      if (error.status !== 404) continue;
    }
    gone.push(config);
  }
  if (gone.length > 0)
    await journal.update((state) => ({ ...state, images: state.images.filter((config) => !gone.includes(config)) }));
  return gone.length;
}
