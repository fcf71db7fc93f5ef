import type { NormalisedApp, Service } from "./app.ts";
import { sharedServices } from "./service/namespaces.ts";

/**
 * Service names so that every dependency stands before what depends on it; names decide between equals, so that the order is always the
 * same. Services in a cycle stand last.
 */
export function serviceOrder(app: Pick<NormalisedApp, "services">): readonly string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const names = Object.keys(app.services).toSorted();
  for (;;) {
    const next = names.find((name) => !done.has(name) && dependencies(app, name).every((other) => done.has(other)));
    if (next === undefined) break;
    done.add(next);
    order.push(next);
  }
  return [...order, ...names.filter((name) => !done.has(name))];
}

/** The services of one cycle in `depends_on`, in order, or undefined when there is none. */
export function findCycle(app: Pick<NormalisedApp, "services">): readonly string[] | undefined {
  const left = new Set(serviceOrder(app));
  for (const name of serviceOrder(app)) {
    if (dependencies(app, name).some((other) => left.has(other))) continue;
    left.delete(name);
  }
  const [start] = left;
  if (start === undefined) return undefined;
  const path: string[] = [];
  let at: string | undefined = start;
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = dependencies(app, at).find((other) => left.has(other));
  }
  return at === undefined ? path : path.slice(path.indexOf(at));
}

function dependencies(app: Pick<NormalisedApp, "services">, name: string): readonly string[] {
  const service: Service | undefined = app.services[name];
  const names = service === undefined ? [] : [...Object.keys(service.dependsOn), ...sharedServices(service)];
  return names.filter((other) => Object.hasOwn(app.services, other));
}
