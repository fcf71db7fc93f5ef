import type { Digest } from "@flotilla/base/digest";
import type { Wanted } from "./collector.ts";
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

export type ToWorker =
  | { readonly kind: "open"; readonly id: number; readonly options: LayerScannerOptions }
  | { readonly kind: "bytes"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly id: number }
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "file"; readonly id: number; readonly layer: FileLayer };

export type FromWorker =
  | { readonly kind: "taken"; readonly id: number; readonly bytes: number }
  | { readonly kind: "done"; readonly id: number; readonly scan: LayerScan }
  | { readonly kind: "failed"; readonly id: number; readonly code: string; readonly message: string };
