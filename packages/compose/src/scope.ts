import type { Variable } from "./app.ts";
import type { Resolve } from "./interpolate.ts";
import type { Place, Problems } from "./problem.ts";

/** What readers share while one file set is read. */
export interface Scope {
  readonly problems: Problems;
  /** What a person should know of a file that is fine. */
  readonly warnings: Problems;
  /** What a name stands for at release time. */
  readonly resolve: Resolve;
  /** Files that the compose files name, loaded before: undefined when there is none. */
  readonly files: ReadonlyMap<string, Uint8Array | undefined>;
  /** Services whose profiles are not on. */
  readonly leftOut: ReadonlySet<string>;
  /** What the device fills, by name; readers add the names that become variables by where they stand. */
  readonly variables: Map<string, Variable>;
  /** Notes the name of a volume, network, config or secret that a service uses. */
  readonly uses: Use[];
  /** What `links:` say, until every service is read. */
  readonly links: Link[];
}

export interface Link {
  readonly owner: string;
  readonly service: string;
  readonly alias: string | undefined;
  readonly place: Place;
}

export interface Use {
  readonly kind: "network" | "volume" | "config" | "secret" | "service";
  readonly name: string;
  readonly place: Place;
}

/** A value under construction. */
export type Draft<T> = { -readonly [Key in keyof T]?: T[Key] | undefined };

/** Drops members that are undefined, so that absent stays absent. */
export function compact<T extends object>(draft: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
