import { type DeviceNames, deviceNames } from "../flotilla.ts";
import type { Resolve } from "../interpolate.ts";
import type { MapNode } from "../tree.ts";

/** The names that the files say are for the device, all together. */
export function namesOf(trees: readonly MapNode[], known?: DeviceNames): DeviceNames {
  const all = [...(known === undefined ? [] : [known]), ...trees.map(deviceNames)];
  return {
    always: new Set(all.flatMap(({ always }) => [...always])),
    otherwise: new Set(all.flatMap(({ otherwise }) => [...otherwise])),
  };
}

/** What a name stands for at release time. */
export function createResolve(names: DeviceNames, env: Readonly<Record<string, string>>): Resolve {
  return (name) => {
    if (names.always.has(name)) return { kind: "device" };
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined) return { kind: "value", value };
    return names.otherwise.has(name) ? { kind: "device" } : { kind: "unset" };
  };
}
