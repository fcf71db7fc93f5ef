import { posix } from "node:path";
import type { ContainerSpec } from "../ports.ts";
import { copyIn, isWithin } from "./files.ts";
import type { EngineHttp } from "./http.ts";
import { listOf, objectOf, textOf } from "./json.ts";
import { inspectContainer } from "./list.ts";
import { createVolume } from "./networks.ts";

/** Volumes of this name belong to one container and go with it. They carry no app label: they are no data of the app. */
const PREFIX = "flotilla-files-";

export interface StagedFolder {
  readonly volume: string;
  readonly target: string;
}

/**
 * Fills one volume for each folder, so that it can be mounted read-only over the folder with its files in place: a container of the same
 * image, never started, lets the engine copy what the image has there, takes our files, and is removed.
 */
export async function stageFolders(
  http: EngineHttp,
  spec: ContainerSpec,
  image: string,
  folders: readonly string[],
  signal?: AbortSignal,
): Promise<readonly StagedFolder[]> {
  const staged = folders.map((target, index) => ({ volume: `${PREFIX}${spec.name}-${index}`, target }));
  if (staged.length === 0) return [];
  await removeVolumes(http, staged, signal);
  for (const { volume } of staged) {
    const labels = { "io.flotilla.files": spec.name };
    await createVolume(http, { name: volume, labels, volume: {} }, signal);
  }
  const mounts = staged.map(({ volume, target }) => ({ Type: "volume", Source: volume, Target: target }));
  const name = `${PREFIX}${spec.name}`;
  await remove(http, name, signal);
  const json = { Image: image, Cmd: ["none"], HostConfig: { Mounts: mounts, NetworkMode: "none" } };
  await http.call({ method: "POST", path: "/containers/create", query: { name }, json, signal });
  try {
    const files = spec.files.filter(({ path }) => isStaged(path, staged));
    await copyIn(http, name, files, signal);
  } finally {
    await remove(http, name);
  }
  return staged;
}

export function isStaged(path: string, staged: readonly StagedFolder[]): boolean {
  return staged.some(({ target }) => posix.dirname(posix.normalize(path)) === target);
}

/** The mounts of the real container; `nocopy`, since the content is there. A folder within a staged one keeps its own mount. */
export function stagedMounts(staged: readonly StagedFolder[]): readonly unknown[] {
  return staged.map(({ volume, target }) => ({
    Type: "volume",
    Source: volume,
    Target: target,
    ReadOnly: !staged.some((other) => other.target !== target && isWithin(other.target, target)),
    VolumeOptions: { NoCopy: true },
  }));
}

/** The staged folders of a container, read from its mounts. */
export async function stagedFoldersOf(
  http: EngineHttp,
  id: string,
  signal?: AbortSignal,
): Promise<readonly StagedFolder[]> {
  const container = await inspectContainer(http, id, signal);
  return listOf(container?.["Mounts"]).flatMap((item) => {
    const mount = objectOf(item);
    const volume = textOf(mount["Name"]);
    return volume.startsWith(PREFIX) ? [{ volume, target: textOf(mount["Destination"]) }] : [];
  });
}

export async function removeVolumes(
  http: EngineHttp,
  staged: readonly StagedFolder[],
  signal?: AbortSignal,
): Promise<void> {
  for (const { volume } of staged)
    await http.call({
      method: "DELETE",
      path: `/volumes/${volume}`,
      query: { force: "1" },
      accept: [404, 409],
      signal,
    });
}

async function remove(http: EngineHttp, name: string, signal?: AbortSignal): Promise<void> {
  await http.call({ method: "DELETE", path: `/containers/${name}`, query: { force: "1" }, accept: [404], signal });
}
