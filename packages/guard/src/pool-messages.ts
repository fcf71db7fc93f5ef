import type { Digest } from "@flotilla/base/digest";
import type { Collected, Wanted } from "./collector.ts";
import type { LayerScannerOptions } from "./layer-scanner.ts";
import type { LayerScan } from "./model.ts";

/** A layer inside a local file. */
export interface FileLayer {
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** From the image's config; computed when left out. */
  readonly diffId?: Digest;
  readonly wanted: Wanted;
}

/** Files of one local folder, in the order of their paths. */
export interface FileBatch {
  readonly root: string;
  /** Relative to the root, with `/`. */
  readonly paths: readonly string[];
  readonly wanted: Wanted;
}

/** What a job gives. */
export type Result =
  | { readonly kind: "layer"; readonly scan: LayerScan }
  | { readonly kind: "files"; readonly collected: Collected };

export type ToWorker =
  | { readonly kind: "open"; readonly id: number; readonly options: LayerScannerOptions }
  | { readonly kind: "bytes"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly id: number }
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "file"; readonly id: number; readonly layer: FileLayer }
  | { readonly kind: "files"; readonly id: number; readonly batch: FileBatch };

export type FromWorker =
  | { readonly kind: "taken"; readonly id: number; readonly bytes: number }
  | { readonly kind: "done"; readonly id: number; readonly result: Result }
  | { readonly kind: "failed"; readonly id: number; readonly code: string; readonly message: string };

/** What a thread is started with. */
export interface WorkerSettings {
  readonly isBackground: boolean;
}
