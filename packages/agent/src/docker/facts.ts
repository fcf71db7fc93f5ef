import type { EngineFacts } from "../ports.ts";
import type { EngineHttp } from "./http.ts";
import { listOf, numberOf, objectOf, textOf } from "./json.ts";

/** Where images live: `containerd`, or the graph driver's name (`overlay2`, …). Decides what an image id is. */
export type ImageStore = "containerd" | (string & {});

/** What the engine says of itself (`GET /version`, `GET /info`). */
export async function readFacts(http: EngineHttp, signal?: AbortSignal): Promise<EngineFacts> {
  const version = objectOf(await http.json({ method: "GET", path: "/version", signal }));
  const info = objectOf(await http.json({ method: "GET", path: "/info", signal }));
  const variant = variantOf(textOf(info["Architecture"]));
  return {
    version: textOf(version["Version"]),
    api: await http.apiVersion(signal),
    imageStore: imageStoreOf(info),
    architecture: textOf(version["Arch"]),
    ...(variant === undefined ? {} : { variant }),
    os: textOf(version["Os"]),
    kernel: textOf(version["KernelVersion"]),
    cpus: numberOf(info["NCPU"]),
    memoryBytes: numberOf(info["MemTotal"]),
    rootDir: textOf(info["DockerRootDir"]),
    runtimes: Object.keys(objectOf(info["Runtimes"])).sort(),
    ...(info["CgroupVersion"] === "1" || info["CgroupVersion"] === "2" ? { cgroupVersion: info["CgroupVersion"] } : {}),
  };
}

/** The image store named in an answer of `GET /info`: the containerd store shows itself in the driver's status. */
export function imageStoreOf(info: unknown): ImageStore {
  const { DriverStatus, Driver } = objectOf(info);
  const isContainerd = listOf(DriverStatus).some((pair) => {
    const [name, value] = listOf(pair);
    return name === "driver-type" && textOf(value).startsWith("io.containerd.snapshotter");
  });
  return isContainerd ? "containerd" : textOf(Driver);
}

/** The OCI variant of the kernel's machine name; only 32-bit ARM has any that matter. */
function variantOf(machine: string): string | undefined {
  const arm = /^armv([5678])/.exec(machine);
  return arm?.[1] === undefined ? undefined : `v${arm[1]}`;
}
