import { type Digest, parseDigest } from "@flotilla/base/digest";
import { mapLimit } from "@flotilla/base/semaphore";
import { type EngineContainer, type EngineState, LABELS } from "../ports.ts";
import type { EngineHttp } from "./http.ts";
import { configDigestOf, type HeldImage, heldImages } from "./images.ts";
import { type Json, listOf, numberOf, objectOf, textOf, textsOf } from "./json.ts";

/** The config digest of a container's image, written when it is created: on the containerd store an image's id does not tell it. */
export const IMAGE_LABEL = "io.flotilla.image";
const INSPECTS_AT_A_TIME = 4;
const OURS = { filters: JSON.stringify({ label: [LABELS.app] }) };

/** Containers, networks and volumes that carry our label; nothing else is read or touched. */
export async function listOurs(http: EngineHttp, signal?: AbortSignal): Promise<EngineState> {
  const containers = http.json({ method: "GET", path: "/containers/json", query: { all: "1", ...OURS }, signal });
  const networks = http.json({ method: "GET", path: "/networks", query: OURS, signal });
  const volumes = http.json({ method: "GET", path: "/volumes", query: OURS, signal });
  const [found, foundNetworks, foundVolumes] = await Promise.all([containers, networks, volumes]);
  const ids = listOf(found).map((item) => textOf(objectOf(item)["Id"]));
  const held = ids.length === 0 ? [] : await heldImages(http, signal);
  const inspected = await mapLimit(ids, INSPECTS_AT_A_TIME, (id) => inspectContainer(http, id, signal));
  return {
    containers: inspected.flatMap((item) => (item === undefined ? [] : [containerOf(item, held)])),
    networks: listOf(foundNetworks).map((item) => {
      const network = objectOf(item);
      const labels = textsOf(network["Labels"]);
      return { name: textOf(network["Name"]), app: labels[LABELS.app] ?? "", specHash: labels[LABELS.spec] ?? "" };
    }),
    volumes: listOf(objectOf(foundVolumes)["Volumes"]).map((item) => {
      const volume = objectOf(item);
      return { name: textOf(volume["Name"]), app: textsOf(volume["Labels"])[LABELS.app] ?? "" };
    }),
  };
}

/** `GET /containers/{id}/json`; undefined when it is gone. */
export async function inspectContainer(http: EngineHttp, id: string, signal?: AbortSignal): Promise<Json | undefined> {
  const path = `/containers/${encodeURIComponent(id)}/json`;
  const answer = await http.call({ method: "GET", path, accept: [404], signal });
  return answer.status === 404 ? undefined : objectOf(JSON.parse(answer.body.toString("utf8")));
}

function containerOf(inspected: Json, held: readonly HeldImage[]): EngineContainer {
  const state = objectOf(inspected["State"]);
  const labels = textsOf(objectOf(inspected["Config"])["Labels"]);
  const status = statusOf(textOf(state["Status"]));
  const startedAtMs = Date.parse(textOf(state["StartedAt"]));
  const hasEnded = status === "exited" || status === "dead" || status === "restarting";
  return {
    id: textOf(inspected["Id"]),
    name: textOf(inspected["Name"]).replace(/^\//, ""),
    labels,
    image: imageOf(textOf(inspected["Image"]), labels, held),
    state: status,
    health: healthOf(textOf(objectOf(state["Health"])["Status"])),
    restarts: numberOf(inspected["RestartCount"]),
    ...(hasEnded ? { exitCode: numberOf(state["ExitCode"]) } : {}),
    ...(state["OOMKilled"] === true ? { oomKilled: true } : {}),
    // The engine writes the year 1 for "never".
    ...(startedAtMs > 0 ? { startedAtMs } : {}),
  };
}

/** The label is believed only where the engine's id cannot say it: never against an id that is a known image of ours. */
function imageOf(id: string, labels: Readonly<Record<string, string>>, held: readonly HeldImage[]): Digest {
  const known = held.find((image) => image.id === id);
  return known?.config ?? parseDigest(labels[IMAGE_LABEL] ?? "") ?? configDigestOf(id, held);
}

const STATES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"] as const;

function statusOf(text: string): EngineContainer["state"] {
  return STATES.find((state) => state === text) ?? "dead";
}

function healthOf(text: string): EngineContainer["health"] {
  return text === "healthy" || text === "unhealthy" || text === "starting" ? text : "none";
}
