import type { Context } from "./plan.ts";
import { bringUp, removeContainers, removeUnusedNetworks, startSteps } from "./plan-parts.ts";
import type { EngineContainer } from "./ports.ts";
import type { Instance } from "./spec.ts";
import type { Step } from "./step.ts";
import { type Current, type Place, placesOf, survey } from "./survey.ts";

const REMAKE_AFTER = 2;
const RELOAD_AFTER = 4;

/**
 * Keeps what is committed running: what vanished is made again from the device's own blobs, what exited is started, what does not belong
 * is removed. An app without a committed release needs nothing.
 */
export function planSteady(current: Current, context: Context): readonly Step[] {
  const { journal, committedInstance: instance } = context;
  if (journal.committed === undefined) return [];
  if (instance === undefined)
    return context.committedLost ? [] : [{ kind: "fetch-release", role: "committed", held: journal.committed }];
  if (!context.mendAllowed) return tidy(current, context);
  const state = survey(instance, current, { ...context, mode: "steady" });
  const broken = removeContainers(state.startable.filter((container) => isBroken(container, context)));
  if (broken.length > 0) return broken;
  if (state.missing.length > 0) return makeAgain(instance, state.missing, current, context);
  if (state.startable.length > 0) return startSteps(state.startable, instance);
  return tidy(current, context);
}

/** One that the engine refuses to start again and again, say because its network is gone, is made anew. */
function isBroken({ id, name }: EngineContainer, context: Context): boolean {
  const refused = context.refusedStarts.get(name);
  return refused !== undefined && refused.id === id && refused.count >= REMAKE_AFTER;
}

/** From the device's own blobs. Where a container that was made anew does not start either, its image is taken to be damaged. */
function makeAgain(instance: Instance, missing: readonly Place[], current: Current, context: Context): readonly Step[] {
  const needed = new Set(missing.map(({ replica }) => replica.image));
  const suspect = new Set(
    missing
      .filter(({ replica }) => (context.refusedStarts.get(replica.name)?.count ?? 0) >= RELOAD_AFTER)
      .map(({ replica }) => replica.image),
  );
  const wanted = instance.images.filter(
    ({ config }) => needed.has(config) && (suspect.has(config) || !context.images.has(config)),
  );
  if (wanted.length === 0) return bringUp(instance, current);
  const damaged = wanted.filter(({ config }) => context.images.has(config));
  return [
    { kind: "download", images: wanted },
    ...damaged.map(({ config }) => ({ kind: "remove-image", config }) as const),
    ...wanted.map((image) => ({ kind: "load-image", image }) as const),
    ...bringUp(instance, current),
  ];
}

/** Removes what is neither committed nor made for the target that is being prepared. */
function tidy(current: Current, context: Context): readonly Step[] {
  const { committedInstance: committed, targetInstance } = context;
  if (committed === undefined) return [];
  const instances = targetInstance === undefined || context.targetBarred ? [committed] : [committed, targetInstance];
  const kept = new Set(
    instances.flatMap((instance) => placesOf(instance, current)).map(({ container }) => container?.id),
  );
  const leftovers = removeContainers(current.containers.filter(({ id }) => !kept.has(id)));
  return leftovers.length > 0 ? leftovers : removeUnusedNetworks(current, instances);
}
