/** Tables of this feature. Content is on disk by digest; these rows say which project's repository has it. */
export interface RegistryTables {
  readonly registry_blobs: BlobRow;
  readonly registry_manifests: ManifestRow;
  readonly registry_tags: TagRow;
  readonly registry_uploads: UploadRow;
  readonly registry_layers: LayerRow;
  readonly registry_layer_scans: LayerScanRow;
  readonly registry_scans: ScanRow;
}

/** A repository has this blob. */
export interface BlobRow {
  readonly project: string;
  readonly repository: string;
  readonly digest: string;
  readonly size_bytes: number;
  readonly created_at: string;
}

/** A repository has this manifest; the bytes are a blob of the store. */
export interface ManifestRow {
  readonly project: string;
  readonly repository: string;
  readonly digest: string;
  readonly media_type: string;
  readonly artifact_type: string | null;
  readonly size_bytes: number;
  /** Digest of the manifest that this one refers to. */
  readonly subject: string | null;
  /** JSON of its annotations, for the referrers list. */
  readonly annotations: string | null;
  readonly created_at: string;
}

export interface TagRow {
  readonly project: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly updated_at: string;
}

/** An upload under way; its bytes are a file of the store. */
export interface UploadRow {
  readonly id: string;
  readonly project: string;
  readonly repository: string;
  readonly created_at: string;
}

/** A blob that was read as a layer: shared between projects, as it only says what the bytes are. */
export interface LayerRow {
  readonly blob: string;
  readonly diff_id: string;
  readonly format: number;
}

/** The scan of a layer by what it holds (or by its blob, when it could not be read to its end); JSON of a `LayerScan`. */
export interface LayerScanRow {
  readonly diff_id: string;
  readonly format: number;
  readonly scan: string;
  readonly created_at: string;
}

/** The scan of a manifest in a project. */
export interface ScanRow {
  readonly project: string;
  readonly manifest: string;
  readonly repository: string;
  readonly state: "pending" | "done" | "failed";
  readonly problem: string | null;
  /** JSON of the `Report` and of the `Inventory` that it was judged from. */
  readonly report: string | null;
  readonly inventory: string | null;
  readonly outcome: "pass" | "warn" | "block" | null;
  /** Age of the advisory data, JSON of `SourceInfo[]`. */
  readonly sources: string | null;
  readonly created_at: string;
  readonly finished_at: string | null;
}
