import type { Digest } from "@flotilla/base/digest";
import type { Hook, Service } from "@flotilla/compose/app";
import type { EngineContainer } from "./ports.ts";
import { LABELS } from "./ports.ts";
import { containerSpec, type Instance, networkNames, networkSpec } from "./spec.ts";
import type { Step } from "./step.ts";
import { type Current, placesOf } from "./survey.ts";

const DEFAULT_GRACE_MS = 10_000;

/**
 * Networks, volumes and containers of `instance` that are missing, in that order; no containers of the images `without`. Containers are
 * created, not started.
 */
export function bringUp(instance: Instance, current: Current, without?: ReadonlySet<Digest>): readonly Step[] {
  const names = networkNames(instance, current.networks);
  const networks = instance.networks.flatMap((network): Step[] => {
    const name = names[network.key] ?? network.key;
    if (current.networks.some((other) => other.name === name)) return [];
    return [{ kind: "create-network", spec: networkSpec(instance, network, name) }];
  });
  const volumes = instance.volumes
    .filter(({ name }) => !current.volumes.some((other) => other.name === name))
    .map((spec): Step => ({ kind: "create-volume", spec }));
  const containers = placesOf(instance, current)
    .filter(({ container, replica }) => container === undefined && without?.has(replica.image) !== true)
    .map(
      ({ service, replica }): Step => ({
        kind: "create-container",
        spec: containerSpec(instance, service, replica, names),
      }),
    );
  return [...networks, ...volumes, ...containers];
}

/** Stops those of `containers` that run, what depends on others first. */
export function stopSteps(containers: readonly EngineContainer[], order: Instance | undefined): readonly Step[] {
  const rank = (container: EngineContainer) =>
    order?.services.findIndex(({ name }) => name === container.labels[LABELS.service]) ?? 0;
  return containers
    .filter(({ state }) => state === "running" || state === "restarting" || state === "paused")
    .toSorted((a, b) => rank(b) - rank(a))
    .map((container) => ({
      kind: "stop-container",
      id: container.id,
      name: container.name,
      graceMs: graceOf(container, order),
      ...hooksOf(serviceOf(container, order)?.preStop),
    }));
}

/** Starts `containers`, which are of `instance` where that is known. */
export function startSteps(containers: readonly EngineContainer[], instance: Instance | undefined): readonly Step[] {
  return containers.map((container) => ({
    kind: "start-container",
    id: container.id,
    name: container.name,
    service: container.labels[LABELS.service] ?? "",
    ...hooksOf(serviceOf(container, instance)?.postStart),
  }));
}

function hooksOf(hooks: readonly Hook[] | undefined): { readonly hooks?: readonly Hook[] } {
  return hooks === undefined || hooks.length === 0 ? {} : { hooks };
}

/** Stops and removes `containers`. */
export function removeContainers(containers: readonly EngineContainer[]): readonly Step[] {
  const present = containers.filter(({ state }) => state !== "removing");
  const removals = present.map(({ id, name }): Step => ({ kind: "remove-container", id, name }));
  return [...stopSteps(present, undefined), ...removals];
}

/** Removes the app's networks that none of `instances` uses. */
export function removeUnusedNetworks(current: Current, instances: readonly Instance[]): readonly Step[] {
  const used = new Set(instances.flatMap((instance) => Object.values(networkNames(instance, current.networks))));
  return current.networks.filter(({ name }) => !used.has(name)).map(({ name }) => ({ kind: "remove-network", name }));
}

function graceOf(container: EngineContainer, order: Instance | undefined): number {
  return serviceOf(container, order)?.stopGracePeriodMs ?? DEFAULT_GRACE_MS;
}

function serviceOf(container: EngineContainer, instance: Instance | undefined): Service | undefined {
  return instance?.services.find(({ name }) => name === container.labels[LABELS.service])?.service;
}
