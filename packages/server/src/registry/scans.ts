import type { Digest } from "@flotilla/base/digest";
import type { Inventory, Report } from "@flotilla/guard/model";

/** Where the scan of a manifest stands. */
export type Scan =
  /** Under way, or waiting for its turn. */
  | { readonly kind: "pending"; readonly manifest: Digest }
  /** `inventory` is what the layers hold; it can be judged again without reading anything. Index: that of all its platforms. */
  | {
      readonly kind: "done";
      readonly manifest: Digest;
      readonly report: Report;
      readonly inventory: Inventory;
      readonly finishedAt: string;
    }
  /** No verdict can be given; the release gate takes it for a block. */
  | { readonly kind: "failed"; readonly manifest: Digest; readonly problem: string; readonly finishedAt: string };

/** The scans of images in the registry, for the release gate and the API. */
export interface Scans {
  /** The scan of an image manifest (or of an index: its platforms together) in a project, or undefined when it is not an image there. */
  get(project: string, manifest: Digest): Promise<Scan | undefined>;
  /** As {@link Scans.get}, but not before the scan ended; rejects with the signal's reason when it aborts first. */
  wait(project: string, manifest: Digest, signal: AbortSignal): Promise<Exclude<Scan, { kind: "pending" }> | undefined>;
}
