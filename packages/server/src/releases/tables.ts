/** Tables of this feature. Apps and releases are of one project; a release is the row beside an OCI artifact and never changes. */
export interface ReleaseTables {
  readonly apps: AppTable;
  readonly releases: ReleaseTable;
  readonly release_contents: ReleaseContentTable;
  readonly policies: PolicyTable;
}

export interface AppTable {
  project: string;
  name: string;
  created_at: string;
  /** Number of the newest release: the next is `r<last_release + 1>`. */
  last_release: number;
}

export interface ReleaseTable {
  id: string;
  project: string;
  app: string;
  /** Tag without the `r`. */
  number: number;
  /** Digest of the artifact's manifest. */
  digest: string;
  /** ReleaseDocument, JSON. */
  document: string;
  /** NormalisedApp, JSON. */
  compose: string;
  /** `pass` or `warn`. */
  outcome: "pass" | "warn";
  /** Gate, JSON. */
  gate: string;
  sbom_digest: string;
  verdict_digest: string;
  created_at: string;
  created_by: string;
}

/** A manifest or blob of a repository that a release needs. */
export interface ReleaseContentTable {
  project: string;
  repository: string;
  digest: string;
  app: string;
  number: number;
}

export interface PolicyTable {
  project: string;
  text: string;
  updated_at: string;
  updated_by: string;
}
