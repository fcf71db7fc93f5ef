import { readFile, stat, statfs } from "node:fs/promises";
import { messageOf } from "@flotilla/base/errors";
import { formatBytes } from "@flotilla/base/units";
import { type AgentConfig, statePaths } from "../config.ts";
import { readDeviceKey } from "../host/device-key.ts";
import { type Engine, LABELS } from "../ports.ts";
import type { Check, DoctorOptions } from "./doctor.ts";
import { askStatus } from "./status-socket.ts";

const LOW_DISK_BYTES = 1_000_000_000;
const LOW_DISK_PART = 0.1;
const LOW_INODES_PART = 0.05;

/** Configuration and key. */
export async function checkConfig(
  options: DoctorOptions,
): Promise<{ readonly config: AgentConfig | undefined; readonly check: Check }> {
  const name = "config";
  try {
    const config = await options.readConfig();
    if (config === undefined) {
      const detail = `${options.configPath} is not there: this machine is not enrolled`;
      const next =
        "flotilla-agent enrol --server https://… --token flp_… (the token comes from: flotilla device enrol)";
      return { config, check: { name, result: "bad", detail, next } };
    }
    const path = statePaths(config.stateDir).key;
    if ((await readDeviceKey(path)) === undefined) {
      const next = "flotilla-agent enrol --again --server … --token …";
      return { config, check: { name, result: "bad", detail: `${path} is missing`, next } };
    }
    const detail = `device ${config.name} (${config.device}) of project ${config.project}`;
    return { config, check: { name, result: "good", detail } };
  } catch (error) {
    const next = "repair the file as the message says, or enrol again with --again";
    return { config: undefined, check: { name, result: "bad", detail: messageOf(error), next } };
  }
}

export async function checkEngine(engine: Engine, address: string): Promise<Check> {
  const name = "engine";
  try {
    const { version, api, imageStore, architecture, variant } = await engine.facts();
    const platform = `${architecture}${variant === undefined ? "" : `/${variant}`}`;
    return {
      name,
      result: "good",
      detail: `Docker Engine ${version}, API ${api}, image store ${imageStore}, ${platform}`,
    };
  } catch (error) {
    const detail = messageOf(error);
    return { name, result: "bad", detail, next: nextForEngine(address, detail) };
  }
}

function nextForEngine(address: string, detail: string): string {
  if (detail.includes("EACCES")) return `run this as root, or as a member of the group that owns ${address}`;
  if (detail.includes("ENOENT"))
    return "install a Docker Engine (apt-get install docker.io), or name its socket with DOCKER_HOST";
  return "systemctl status docker; journalctl -u docker -n 50";
}

/** Which cgroup hierarchy there is, and whether memory limits can be kept. */
export async function checkCgroups(): Promise<Check> {
  const name = "cgroups";
  const unified = await readFile("/sys/fs/cgroup/cgroup.controllers", "utf8").catch(() => undefined);
  const legacy = unified === undefined ? await readFile("/proc/cgroups", "utf8").catch(() => "") : "";
  const hasMemory =
    unified === undefined ? /^memory\s+\d+\s+\d+\s+1$/m.test(legacy) : unified.split(/\s+/).includes("memory");
  const version = unified === undefined ? "version 1" : "version 2";
  if (hasMemory) return { name, result: "good", detail: `${version}, with the memory controller` };
  const next =
    "add cgroup_enable=memory cgroup_memory=1 to the kernel's command line (Raspberry Pi: /boot/firmware/cmdline.txt)";
  return {
    name,
    result: "warning",
    detail: `${version} without the memory controller: memory limits are not kept`,
    next,
  };
}

/** Room for downloads and for the engine's images. */
export async function checkDisk(engine: Engine, stateDir: string): Promise<readonly Check[]> {
  const rootDir = await engine.facts().then(
    (facts) => facts.rootDir,
    () => undefined,
  );
  const folders = [...new Set([stateDir, ...(rootDir === undefined ? [] : [rootDir])])];
  const checks: Check[] = [];
  for (const folder of folders) checks.push(await checkFolder(folder));
  return checks;
}

async function checkFolder(folder: string): Promise<Check> {
  const name = "disk";
  const found = await statfs(folder).catch(() => undefined);
  if (found === undefined) return { name, result: "warning", detail: `${folder} cannot be looked at from here` };
  const freeBytes = found.bavail * found.bsize;
  const detail = `${formatBytes(freeBytes)} free of ${formatBytes(found.blocks * found.bsize)} at ${folder}`;
  const isLow = freeBytes < LOW_DISK_BYTES || found.bavail < found.blocks * LOW_DISK_PART;
  const lacksInodes = found.files > 0 && found.ffree < found.files * LOW_INODES_PART;
  if (lacksInodes)
    return { name, result: "warning", detail: `${detail}; few inodes are left`, next: "docker system prune" };
  if (isLow)
    return {
      name,
      result: "warning",
      detail,
      next: "remove what is not needed: docker system df; docker system prune",
    };
  return { name, result: "good", detail };
}

/** Containers that are ours, and those that only look so. */
export async function checkLabels(engine: Engine): Promise<Check> {
  const name = "labels";
  const { containers } = await engine.list();
  const broken = containers.filter(({ labels }) => !labels[LABELS.service] || !labels[LABELS.release]);
  if (broken.length === 0) return { name, result: "good", detail: `${containers.length} containers are ours` };
  const names = broken.map((container) => container.name).join(", ");
  const next = `remove them or the label ${LABELS.app}: the agent believes them to be its own and removes them`;
  return { name, result: "warning", detail: `they carry ${LABELS.app} and were not made by the agent: ${names}`, next };
}

export async function checkAgent(config: AgentConfig): Promise<Check> {
  const name = "agent";
  const paths = statePaths(config.stateDir);
  const live = await askStatus(paths.socket);
  if (live === undefined) {
    const asked = await stat(paths.socket).catch(() => undefined);
    const detail = asked === undefined ? "the agent does not run" : "the agent does not answer";
    return {
      name,
      result: "bad",
      detail,
      next: "systemctl restart flotilla-agent; journalctl -u flotilla-agent -n 50",
    };
  }
  const connection = live.connected ? "connected" : "not connected";
  const detail = `version ${live.version}, process ${live.pid}, ${connection}, target version ${live.targetVersion}`;
  if (live.connected) return { name, result: "good", detail };
  return {
    name,
    result: "warning",
    detail,
    next: "see the check of the server below, and: journalctl -u flotilla-agent -n 50",
  };
}
