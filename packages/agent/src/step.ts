import type { Digest } from "@flotilla/base/digest";
import type { Hook } from "@flotilla/compose/app";
import type { AppPhase } from "@flotilla/protocol/device";
import type { Held } from "./journal.ts";
import type { Aim } from "./plan.ts";
import type { ContainerSpec, NetworkSpec, VolumeSpec } from "./ports.ts";
import type { ImageInstance, Instance } from "./spec.ts";

/** One thing to do next for an app. Each may be cut off at any point and is then planned anew from what is there. */
export type Step =
  | { readonly kind: "fetch-release"; readonly role: "target" | "committed"; readonly held: Held }
  | { readonly kind: "preflight"; readonly instance: Instance }
  | { readonly kind: "download"; readonly images: readonly ImageInstance[] }
  | { readonly kind: "load-image"; readonly image: ImageInstance }
  /** Remembers that a switch to this pair has begun, before anything that runs is touched. */
  | { readonly kind: "begin"; readonly held: Held }
  /** Counts that this run of the agent found a switch that an earlier run began. */
  | { readonly kind: "resume" }
  | { readonly kind: "create-network"; readonly spec: NetworkSpec }
  | { readonly kind: "create-volume"; readonly spec: VolumeSpec }
  | { readonly kind: "create-container"; readonly spec: ContainerSpec }
  /** `hooks`: what is run in the container before. */
  | {
      readonly kind: "stop-container";
      readonly id: string;
      readonly name: string;
      readonly graceMs: number;
      readonly hooks?: readonly Hook[];
    }
  /** `hooks`: what is run in the container afterwards; one that runs already gets what it is owed. */
  | {
      readonly kind: "start-container";
      readonly id: string;
      readonly name: string;
      readonly service: string;
      readonly hooks?: readonly Hook[];
    }
  | { readonly kind: "remove-container"; readonly id: string; readonly name: string }
  | { readonly kind: "remove-network"; readonly name: string }
  /** Takes a damaged image out of the engine, so that it is loaded again. */
  | { readonly kind: "remove-image"; readonly config: Digest }
  /**
   * Makes room for the other release: removes the images and blobs that only this side of the switch needs, of `committed` no more than
   * `images` (config digests), which are noted in the journal first.
   */
  | { readonly kind: "give-up"; readonly side: "committed" | "attempt"; readonly images: readonly Digest[] }
  /** Waits for a change of a container, runs the probes that are due, and wakes at the latest at `untilMs` (monotonic). */
  | { readonly kind: "watch"; readonly instance: Instance | undefined; readonly untilMs: number }
  /** Decides against the release on trial; the way back begins. */
  | { readonly kind: "fail"; readonly code: string; readonly reason: string; readonly containerId?: string }
  | { readonly kind: "commit"; readonly instance: Instance; readonly finished: readonly string[] }
  /** The way back is done: remembers the pair as bad and reports. `note` says what came of the previous release. */
  | { readonly kind: "conclude"; readonly note: string }
  /** The target changed in the middle: forgets the attempt without a verdict. */
  | { readonly kind: "abandon" }
  /** The app is gone from the target and from the engine. */
  | { readonly kind: "forget" };

/** The phase that a device reports while it does `step`. */
export function phaseOf(step: Step, aim: Aim): AppPhase {
  if (aim === "restore") return "restoring";
  if (aim === "remove") return "removing";
  switch (step.kind) {
    case "fetch-release":
    case "preflight":
      return "preflight";
    case "download":
      return "downloading";
    case "load-image":
      return "loading";
    case "watch":
    case "commit":
      return "probation";
    case "fail":
    case "conclude":
    case "abandon":
      return "restoring";
    case "begin":
    case "resume":
    case "create-network":
    case "create-volume":
    case "create-container":
    case "stop-container":
    case "start-container":
    case "remove-container":
    case "remove-network":
    case "remove-image":
    case "give-up":
    case "forget":
      return "switching";
  }
}
