import type { Clock } from "@flotilla/base/clock";
import { type ContainerSpec, EngineError } from "../ports.ts";
import { containerBody } from "./container-body.ts";
import { endpointsOf } from "./endpoints.ts";
import { copyIn, foldersToStage } from "./files.ts";
import { CALL_DEADLINE_MS, type EngineHttp } from "./http.ts";
import { referenceTo } from "./images.ts";
import { listOf, objectOf, textOf } from "./json.ts";
import { inspectContainer } from "./list.ts";
import { isStaged, removeVolumes, stagedFoldersOf, stagedMounts, stageFolders } from "./staged-files.ts";

const REMOVAL_LOOK_MS = 250;

/** Creates a container with its networks and files, not started. When a part fails the container is removed again. Returns its id. */
export async function createContainer(http: EngineHttp, spec: ContainerSpec, signal?: AbortSignal): Promise<string> {
  const image = await referenceTo(http, spec.image, signal);
  if (image === undefined) throw new EngineError(404, `the engine holds no image with the config ${spec.image}`);
  const apiMinor = Number((await http.apiVersion(signal)).split(".")[1]);
  const folders = foldersToStage(spec.service, spec.files);
  const staged = await stageFolders(http, spec, image, folders, signal);
  const body = containerBody(spec, image, { apiMinor });
  const mounts = [...listOf(body.HostConfig["Mounts"]), ...stagedMounts(staged)];
  const json = { ...body, HostConfig: { ...body.HostConfig, Mounts: mounts } };
  const created = await http.json({
    method: "POST",
    path: "/containers/create",
    query: { name: spec.name },
    json,
    signal,
  });
  const id = textOf(objectOf(created)["Id"]);
  try {
    await connectRest(http, id, spec, signal);
    await copyIn(
      http,
      id,
      spec.files.filter(({ path }) => !isStaged(path, staged)),
      signal,
    );
  } catch (error) {
    await http.call({ method: "DELETE", path: `/containers/${id}`, query: { force: "1", v: "1" }, accept: [404, 409] });
    throw error;
  }
  return id;
}

/** Starts a container; one that runs already is no error. */
export async function startContainer(http: EngineHttp, id: string, signal?: AbortSignal): Promise<void> {
  const path = `/containers/${encodeURIComponent(id)}/start`;
  await http.call({ method: "POST", path, accept: [304], deadlineMs: 2 * CALL_DEADLINE_MS, signal });
}

/** Asks the container to stop and kills it after `graceMs`; one that stands still or is gone is no error. */
export async function stopContainer(
  http: EngineHttp,
  id: string,
  graceMs: number,
  signal?: AbortSignal,
): Promise<void> {
  await http.call({
    method: "POST",
    path: `/containers/${encodeURIComponent(id)}/stop`,
    query: { t: String(Math.ceil(graceMs / 1000)) },
    accept: [304, 404],
    deadlineMs: graceMs + CALL_DEADLINE_MS,
    signal,
  });
}

/** Removes a container with its anonymous volumes and staged files, running or not, and returns when it is gone. */
export async function removeContainer(http: EngineHttp, clock: Clock, id: string, signal?: AbortSignal): Promise<void> {
  const staged = await stagedFoldersOf(http, id, signal);
  const path = `/containers/${encodeURIComponent(id)}`;
  const startedMs = clock.monotonic();
  const query = { force: "1", v: "1" };
  // 409: another removal of it is under way; wait until that one is done.
  while ((await http.call({ method: "DELETE", path, query, accept: [404, 409], signal })).status === 409) {
    if (clock.monotonic() - startedMs > CALL_DEADLINE_MS)
      throw new EngineError(409, `container ${id.slice(0, 12)} is being removed for over ${CALL_DEADLINE_MS / 1000} s`);
    await clock.sleep(REMOVAL_LOOK_MS, signal);
  }
  await removeVolumes(http, staged, signal);
}

export async function renameContainer(http: EngineHttp, id: string, name: string, signal?: AbortSignal): Promise<void> {
  const path = `/containers/${encodeURIComponent(id)}/rename`;
  await http.call({ method: "POST", path, query: { name }, signal });
}

/**
 * Where the device reaches a port of the container: the container's own address, else a published one. Its own comes first because the
 * engine's proxy accepts connections on a published port even when nobody listens behind it.
 */
export async function addressOf(
  http: EngineHttp,
  id: string,
  port: number,
  signal?: AbortSignal,
): Promise<{ readonly host: string; readonly port: number } | undefined> {
  const container = await inspectContainer(http, id, signal);
  if (container === undefined || objectOf(container["State"])["Running"] !== true) return undefined;
  const mode = textOf(objectOf(container["HostConfig"])["NetworkMode"]);
  if (mode === "host") return { host: "127.0.0.1", port };
  // It is in the network of another container, whose address is its own.
  if (mode.startsWith("container:")) return addressOf(http, mode.slice("container:".length), port, signal);
  const settings = objectOf(container["NetworkSettings"]);
  for (const network of Object.values(objectOf(settings["Networks"]))) {
    const host = textOf(objectOf(network)["IPAddress"]) || textOf(objectOf(network)["GlobalIPv6Address"]);
    if (host !== "") return { host, port };
  }
  const published = objectOf(listOf(objectOf(settings["Ports"])[`${port}/tcp`])[0]);
  const hostPort = Number(textOf(published["HostPort"]));
  if (!(hostPort > 0)) return undefined;
  const host = textOf(published["HostIp"]);
  return { host: host === "" || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host, port: hostPort };
}

async function connectRest(http: EngineHttp, id: string, spec: ContainerSpec, signal?: AbortSignal): Promise<void> {
  for (const { network, body } of endpointsOf(spec).slice(1)) {
    const path = `/networks/${encodeURIComponent(network)}/connect`;
    await http.call({ method: "POST", path, json: { Container: id, EndpointConfig: body }, signal });
  }
}
