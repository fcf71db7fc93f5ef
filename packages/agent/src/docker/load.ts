import { asDigest, type Digest } from "@flotilla/base/digest";
import { CodedError, messageOf } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import type { ReleasePlatform } from "@flotilla/protocol/release";
import { type Blobs, EngineError } from "../ports.ts";
import { type HandOver, hybridArchive, prepareHandOver } from "./archive.ts";
import type { ImageStore } from "./facts.ts";
import type { EngineHttp } from "./http.ts";
import { heldImages, inspectImage, readImageStore, removeReference, tagFor } from "./images.ts";
import { pullFromLoopback } from "./loopback.ts";
import { readProgress } from "./progress.ts";

/** Longest hand-over of one image; slow flash writes a gigabyte in minutes. */
export const LOAD_DEADLINE_MS = 60 * 60_000;

/**
 * Puts an image into the engine from stored blobs: a load that leaves out the layers that are there, then one with all layers, then a pull
 * from a registry on 127.0.0.1. Each way is believed only after the engine shows the image whole; a broken one is removed again.
 */
export async function loadImage(
  http: EngineHttp,
  log: Log,
  platform: ReleasePlatform,
  name: string,
  blobs: Blobs,
  signal?: AbortSignal,
): Promise<void> {
  const store = await readImageStore(http, signal);
  const image = await prepareHandOver(platform, blobs, signal);
  const tag = tagFor(name, image.config.digest);
  const present = await presentLayers(http, store, platform, signal);
  const ways: readonly Way[] = [
    ...(present.size === 0 ? [] : [{ kind: "load" as const, present }]),
    { kind: "load", present: new Set() },
    { kind: "pull" },
  ];
  const failures: string[] = [];
  for (const way of ways) {
    try {
      const id = await handOver(http, way, { image, tag, platform, blobs, store }, signal);
      await verify(http, platform, tag, id, signal);
      return;
    } catch (error) {
      if (signal?.aborted || !isWorthAnotherWay(error)) throw error;
      failures.push(`${way.kind}: ${messageOf(error)}`);
      log.warn({ image: tag, way: way.kind, reason: messageOf(error) }, "image hand-over failed");
      await removeBroken(http, tag, store, signal);
    }
  }
  throw new EngineError(500, `the engine took the image ${tag} in no way (${failures.join("; ")})`);
}

type Way = { readonly kind: "load"; readonly present: ReadonlySet<Digest> } | { readonly kind: "pull" };

interface Cargo {
  readonly image: HandOver;
  readonly tag: string;
  readonly platform: ReleasePlatform;
  readonly blobs: Blobs;
  readonly store: ImageStore;
}

/** Returns the id that the engine must show for the image. */
async function handOver(http: EngineHttp, way: Way, cargo: Cargo, signal?: AbortSignal): Promise<Digest> {
  const { image, tag, blobs, store } = cargo;
  if (way.kind === "pull") {
    const manifest = await pullFromLoopback(http, cargo, signal);
    return store === "containerd" ? manifest : image.config.digest;
  }
  const chunks = hybridArchive(image, tag, blobs, way.present, signal);
  const answer = await http.stream({
    method: "POST",
    path: "/images/load",
    query: { quiet: "1" },
    body: { type: "application/x-tar", chunks },
    deadlineMs: LOAD_DEADLINE_MS,
    signal,
  });
  // The containerd store answers 200 and "Loaded image" and fails after it: the answer counts only when it has ended well.
  await readProgress(answer);
  return store === "containerd" ? image.manifest.digest : image.config.digest;
}

async function verify(
  http: EngineHttp,
  platform: ReleasePlatform,
  tag: string,
  id: Digest,
  signal?: AbortSignal,
): Promise<void> {
  const found = await inspectImage(http, tag, signal);
  if (found === undefined) throw new EngineError(0, `the engine does not know ${tag} after the hand-over`);
  if (found.id !== id) throw new EngineError(0, `the engine shows ${tag} as ${found.id}, not ${id}`);
  const wanted = platform.layers.map((layer) => layer.diffId);
  if (found.diffIds.length !== wanted.length || found.diffIds.some((diffId, index) => diffId !== wanted[index]))
    throw new EngineError(0, `the engine shows other layers for ${tag} than the release names`);
}

/**
 * Layers that may be left out. A graph driver finds a layer by its chain id, so only a common prefix of layers with another image counts;
 * the containerd store finds it by digest, and holds uncompressed layers only of images that we loaded.
 */
async function presentLayers(
  http: EngineHttp,
  store: ImageStore,
  platform: ReleasePlatform,
  signal?: AbortSignal,
): Promise<ReadonlySet<Digest>> {
  const wanted = platform.layers.map((layer) => asDigest(layer.diffId));
  const present = new Set<Digest>();
  for (const held of await heldImages(http, signal)) {
    const diffIds = (await inspectImage(http, held.id, signal))?.diffIds ?? [];
    if (store === "containerd") {
      for (const diffId of wanted) if (diffIds.includes(diffId)) present.add(diffId);
      continue;
    }
    for (let index = 0; index < wanted.length && wanted[index] === diffIds[index]; index++)
      present.add(asDigest(diffIds[index] ?? ""));
  }
  return present;
}

/** Blobs that are damaged on our side stay damaged whichever way they take. */
function isWorthAnotherWay(error: unknown): boolean {
  return !(error instanceof CodedError);
}

async function removeBroken(http: EngineHttp, tag: string, store: ImageStore, signal?: AbortSignal): Promise<void> {
  // An engine that went away says so here, and the caller knows it by the status 0.
  const found = await inspectImage(http, tag, signal);
  if (found === undefined && store !== "containerd") return;
  // A container that uses a whole image of this id keeps it: the engine refuses, and the next way overwrites the tag.
  await removeReference(http, tag, signal).catch((error: unknown) => {
    if (!(error instanceof EngineError)) throw error;
  });
}
