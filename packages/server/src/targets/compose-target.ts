import { createHash } from "node:crypto";
import { canonicalJson } from "@flotilla/base/canonical-json";
import type { AppProblem } from "@flotilla/protocol/api/devices";
import type { AppTarget } from "@flotilla/protocol/target";
import type { Selectable } from "../devices/selector.ts";
import type { KnownRelease } from "../releases/port.ts";
import { resolveVariables, type ScopedValue } from "../variables/resolve.ts";

/** All that decides what a device should run. */
export interface TargetInput {
  readonly device: Selectable;
  /** By app; undefined where the release is not known any more. */
  readonly assigned: readonly {
    readonly app: string;
    readonly release: string;
    readonly known: KnownRelease | undefined;
  }[];
  readonly values: readonly ScopedValue[];
  /** What the device was last told. */
  readonly previous: Readonly<Record<string, AppTarget>>;
}

export interface ComposedTarget {
  readonly apps: Readonly<Record<string, AppTarget>>;
  readonly problems: Readonly<Record<string, AppProblem>>;
}

/** The apps of a device's target; pure. An app that cannot have what was assigned is left on what the device was last told, with the reason. */
export function composeTarget({ device, assigned, values, previous }: TargetInput): ComposedTarget {
  const apps: Record<string, AppTarget> = {};
  const problems: Record<string, AppProblem> = {};
  for (const { app, release, known } of assigned) {
    const composed = known === undefined ? unknown(release) : composeApp(known, values, device);
    if (composed.kind === "app") apps[app] = composed.target;
    else {
      problems[app] = composed.problem;
      const kept = previous[app];
      if (kept !== undefined) apps[app] = kept;
    }
  }
  return { apps, problems };
}

/** SHA-256 of the canonical JSON of `variables`. */
export function hashVariables(variables: Readonly<Record<string, string>>): string {
  return `sha256:${createHash("sha256").update(canonicalJson(variables)).digest("hex")}`;
}

type ComposedApp =
  | { readonly kind: "app"; readonly target: AppTarget }
  | { readonly kind: "problem"; readonly problem: AppProblem };

function composeApp(known: KnownRelease, values: readonly ScopedValue[], device: Selectable): ComposedApp {
  const { values: variables, missing } = resolveVariables(known.variables, values, device);
  const release = known.digest;
  if (missing.length > 0) {
    const message = `the release asks for ${missing.join(", ")}: set ${missing.length === 1 ? "it" : "them"} for the project, a group or the device`;
    return { kind: "problem", problem: { code: "variables-missing", message, release } };
  }
  const target = { release, repository: known.repository, variables, variablesHash: hashVariables(variables) };
  return { kind: "app", target };
}

function unknown(release: string): ComposedApp {
  return {
    kind: "problem",
    problem: { code: "release-unknown", message: "the assigned release is not here any more", release },
  };
}
