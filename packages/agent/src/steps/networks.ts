import type { NetworkSpec, VolumeSpec } from "../ports.ts";
import type { StepContext } from "../session.ts";
import { blameRelease, ignoring } from "./containers.ts";

export async function createNetwork(spec: NetworkSpec, context: StepContext): Promise<void> {
  try {
    await context.engine.createNetwork(spec, context.signal);
  } catch (error) {
    await blameRelease(error, `network ${spec.name} cannot be created`, "network-failed", context);
  }
}

export async function createVolume(spec: VolumeSpec, context: StepContext): Promise<void> {
  try {
    await context.engine.createVolume(spec, context.signal);
  } catch (error) {
    await blameRelease(error, `volume ${spec.name} cannot be created`, "volume-failed", context);
  }
}

export async function removeNetwork(name: string, context: StepContext): Promise<void> {
  await ignoring([404], () => context.engine.removeNetwork(name, context.signal));
}
