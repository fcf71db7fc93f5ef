/** Tables of collection, quotas and retention. */
export interface UpkeepTables {
  readonly registry_references: ReferenceRow;
  readonly registry_condemned: CondemnedRow;
  readonly registry_usage: UsageRow;
  readonly registry_quotas: QuotaRow;
  readonly registry_retention: RetentionRow;
}

/** A manifest of a repository names this content: a config, a layer, another manifest, or itself (then all that it names is known). Goes with its manifest. */
export interface ReferenceRow {
  readonly project: string;
  readonly repository: string;
  readonly manifest: string;
  readonly content: string;
}

/** A blob that no manifest of its repository names: it goes after a while unless somebody asks for it, pushes it again or names it. */
export interface CondemnedRow {
  readonly project: string;
  readonly repository: string;
  readonly digest: string;
  readonly condemned_at: string;
}

/** What a project has; kept by triggers of the database. Content counts once, however many repositories have it. */
export interface UsageRow {
  readonly project: string;
  /** Of blobs and manifests. */
  readonly bytes: number;
  readonly blobs: number;
  readonly manifests: number;
  /** With at least one manifest. */
  readonly repositories: number;
}

/** What a project may have; null: no limit. */
export interface QuotaRow {
  readonly project: string;
  readonly max_bytes: number | null;
  readonly max_manifests: number | null;
  readonly max_repositories: number | null;
  readonly updated_at: string;
  readonly updated_by: string;
}

/** JSON of the project's `RetentionPolicy`. */
export interface RetentionRow {
  readonly project: string;
  readonly policy: string;
  readonly updated_at: string;
  readonly updated_by: string;
}
