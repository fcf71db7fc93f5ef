import { asDigest, type Digest, encodedPart, parseDigest } from "@flotilla/base/digest";
import { EngineError } from "../ports.ts";
import { type ImageStore, imageStoreOf } from "./facts.ts";
import type { EngineHttp } from "./http.ts";
import { listOf, objectOf, textOf } from "./json.ts";

/** An image of ours in the engine: tagged `<name>:<hex of its config digest>`, so that the config digest is known on both stores. */
export interface HeldImage {
  /** The engine's id: config digest on graph drivers, manifest digest on the containerd store. */
  readonly id: string;
  readonly config: Digest;
  readonly tags: readonly string[];
}

const TAG = /:([a-f0-9]{64})$/;

/** The tag that an image gets: readable by people, and it carries the config digest. */
export function tagFor(name: string, config: Digest): string {
  return `${repositoryName(name)}:${encodedPart(config)}`;
}

/** A local repository name made of any text: the last path parts of a reference without host, tag and digest. */
export function repositoryName(name: string): string {
  const path = name
    .replace(/@.*$/, "")
    .replace(/:[^/]*$/, "")
    .toLowerCase();
  const parts = path.split("/").filter((part) => /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/.test(part));
  return parts.slice(-2).join("/") || "flotilla";
}

export async function readImageStore(http: EngineHttp, signal?: AbortSignal): Promise<ImageStore> {
  return imageStoreOf(await http.json({ method: "GET", path: "/info", signal }));
}

/** Every image that carries one of our tags. */
export async function heldImages(http: EngineHttp, signal?: AbortSignal): Promise<readonly HeldImage[]> {
  const images = listOf(await http.json({ method: "GET", path: "/images/json", signal }));
  return images.flatMap((item) => {
    const image = objectOf(item);
    const tags = listOf(image["RepoTags"])
      .map(textOf)
      .filter((tag) => TAG.test(tag));
    const configs = new Set(tags.map((tag) => asDigest(`sha256:${TAG.exec(tag)?.[1]}`)));
    return [...configs].map((config) => ({
      id: textOf(image["Id"]),
      config,
      tags: tags.filter((tag) => tag.endsWith(encodedPart(config))),
    }));
  });
}

/** What to name in a call that means the image with this config digest; undefined when the engine does not hold it. */
export async function referenceTo(http: EngineHttp, config: Digest, signal?: AbortSignal): Promise<string | undefined> {
  const held = (await heldImages(http, signal)).find((image) => image.config === config);
  const tag = held?.tags[0];
  if (held !== undefined && tag !== undefined && (await trusted(http, held, signal))) return tag;
  const byId = await inspectImage(http, config, signal);
  return byId?.id === config ? config : undefined;
}

/** On a graph driver the id must be the config digest that the tag promises; someone may have moved the tag. */
async function trusted(http: EngineHttp, image: HeldImage, signal?: AbortSignal): Promise<boolean> {
  if (image.id === image.config) return true;
  return (await readImageStore(http, signal)) === "containerd";
}

export interface InspectedImage {
  readonly id: string;
  readonly diffIds: readonly string[];
}

/** `GET /images/{name}/json`; undefined when there is none. */
export async function inspectImage(
  http: EngineHttp,
  name: string,
  signal?: AbortSignal,
): Promise<InspectedImage | undefined> {
  const path = `/images/${encodeURIComponent(name)}/json`;
  const answer = await http.call({ method: "GET", path, accept: [404], signal });
  if (answer.status === 404) return undefined;
  const image = objectOf(JSON.parse(answer.body.toString("utf8")));
  return { id: textOf(image["Id"]), diffIds: listOf(objectOf(image["RootFS"])["Layers"]).map(textOf) };
}

/** Takes our tags off the image, and with the last one the image goes. An image in use stays: the engine says so (409). */
export async function removeImage(http: EngineHttp, config: Digest, signal?: AbortSignal): Promise<void> {
  for (const image of await heldImages(http, signal)) {
    if (image.config !== config) continue;
    for (const tag of image.tags) await removeReference(http, tag, signal);
  }
  if ((await inspectImage(http, config, signal)) !== undefined) await removeReference(http, config, signal);
}

export async function removeReference(http: EngineHttp, reference: string, signal?: AbortSignal): Promise<void> {
  const path = `/images/${encodeURIComponent(reference)}`;
  await http.call({ method: "DELETE", path, accept: [404], deadlineMs: 300_000, signal });
}

/** The config digest of a container's image id. */
export function configDigestOf(imageId: string, held: readonly HeldImage[]): Digest {
  const known = held.find((image) => image.id === imageId);
  const digest = known?.config ?? parseDigest(imageId);
  if (digest === undefined) throw new EngineError(0, `the engine names an image by "${imageId.slice(0, 100)}"`);
  return digest;
}
