import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import type { Engine } from "../ports.ts";
import {
  addressOf,
  createContainer,
  removeContainer,
  renameContainer,
  startContainer,
  stopContainer,
} from "./containers.ts";
import { nextChange } from "./events.ts";
import { execIn } from "./exec.ts";
import { readFacts } from "./facts.ts";
import { createEngineHttp } from "./http.ts";
import { referenceTo, removeImage } from "./images.ts";
import { listOurs } from "./list.ts";
import { loadImage } from "./load.ts";
import { readLogs } from "./logs.ts";
import { createNetwork, createVolume, removeNetwork } from "./networks.ts";

export interface DockerEngineOptions {
  /** As in `DOCKER_HOST`: `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`. */
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The Docker Engine behind `address`, on either image store. */
export function createDockerEngine(options: DockerEngineOptions): Engine {
  const { clock, log } = options;
  const http = createEngineHttp(options.address);
  return {
    facts: (signal) => readFacts(http, signal),
    list: (signal) => listOurs(http, signal),
    hasImage: async (config, signal) => (await referenceTo(http, config, signal)) !== undefined,
    loadImage: (platform, name, blobs, signal) => loadImage(http, log, platform, name, blobs, signal),
    removeImage: (config, signal) => removeImage(http, config, signal),
    createNetwork: (spec, signal) => createNetwork(http, spec, signal),
    removeNetwork: (name, signal) => removeNetwork(http, name, signal),
    createVolume: (spec, signal) => createVolume(http, spec, signal),
    createContainer: (spec, signal) => createContainer(http, spec, signal),
    startContainer: (id, signal) => startContainer(http, id, signal),
    stopContainer: (id, graceMs, signal) => stopContainer(http, id, graceMs, signal),
    removeContainer: (id, signal) => removeContainer(http, clock, id, signal),
    renameContainer: (id, name, signal) => renameContainer(http, id, name, signal),
    exec: (id, command, signal, options) => execIn(http, clock, { id, command, ...options }, signal),
    addressOf: (id, port, signal) => addressOf(http, id, port, signal),
    logs: (id, lines, signal) => readLogs(http, id, lines, signal),
    changed: (signal) => nextChange(http, signal),
  };
}
