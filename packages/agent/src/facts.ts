import type { DeviceFacts } from "@flotilla/protocol/device";
import type { Engine, Host } from "./ports.ts";
import { platformOf } from "./spec.ts";

/** What a device says of itself, from its host and its engine. */
export async function gatherFacts(
  { engine, host }: { readonly engine: Engine; readonly host: Host },
  agentVersion: string,
  signal: AbortSignal,
): Promise<DeviceFacts> {
  const [machine, docker] = await Promise.all([host.facts(), engine.facts(signal)]);
  const { architecture, variant } = platformOf(docker);
  return {
    ...machine,
    kernel: docker.kernel,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    cpus: docker.cpus,
    memoryBytes: docker.memoryBytes,
    engineVersion: docker.version,
    engineApi: docker.api,
    imageStore: docker.imageStore,
    agentVersion,
  };
}
