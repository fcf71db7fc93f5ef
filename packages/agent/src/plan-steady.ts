import type { Context } from "./plan.ts";
import { bringUp, removeContainers, removeUnusedNetworks, startSteps } from "./plan-parts.ts";
import type { Step } from "./step.ts";
import { type Current, placesOf, survey } from "./survey.ts";

/**
 * Keeps what is committed running: what vanished is made again from the device's own blobs, what exited is started, what does not belong
 * is removed. An app without a committed release needs nothing.
 */
export function planSteady(current: Current, context: Context): readonly Step[] {
  const { journal, committedInstance: instance } = context;
  if (journal.committed === undefined) return [];
  if (instance === undefined)
    return context.committedLost ? [] : [{ kind: "fetch-release", role: "committed", held: journal.committed }];
  const state = survey(instance, current, { ...context, mode: "steady" });
  if (context.mendAllowed && state.missing.length > 0) {
    const needed = new Set(state.missing.map(({ replica }) => replica.image));
    const absent = instance.images.filter(({ config }) => needed.has(config) && !context.images.has(config));
    if (absent.length > 0)
      return [{ kind: "download", images: absent }, ...absent.map((image) => ({ kind: "load-image", image }) as const)];
    return bringUp(instance, current);
  }
  if (context.mendAllowed && state.startable.length > 0) return startSteps(state.startable);
  return tidy(current, context);
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
