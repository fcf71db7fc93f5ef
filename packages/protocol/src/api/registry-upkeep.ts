import { type Static, Type } from "typebox";

/** A day: how long content stays that nothing names, unless the request says otherwise. */
export const DEFAULT_GRACE_SECONDS = 86_400;

/** `POST /api/v1/projects/:project/registry/gc` */
export const CollectRequest = Type.Object(
  {
    /** Content that nothing names goes this long after it was noticed. Pushes that take longer between two of their requests are refused. */
    graceSeconds: Type.Optional(Type.Integer({ minimum: 600, maximum: 31_536_000 })),
  },
  { additionalProperties: false },
);
export type CollectRequest = Static<typeof CollectRequest>;

export const CollectResult = Type.Object({
  /** Blobs that left a repository, and bytes that the project does not use any more (those of another of its repositories not counted). */
  removedBlobs: Type.Integer(),
  freedBytes: Type.Integer(),
  /** Blobs that nothing names, noticed now: they go in a run after the grace period. */
  condemnedBlobs: Type.Integer(),
});
export type CollectResult = Static<typeof CollectResult>;

const Limit = (description: string) =>
  Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()], { description });

/** What a project may have in the registry; null: no limit. `PUT /api/v1/projects/:project/registry/quota` */
export const RegistryQuota = Type.Object(
  {
    maxBytes: Limit("Bytes of blobs and manifests, each content once; null: no limit"),
    maxManifests: Limit("Manifests, in all repositories together; null: no limit"),
    maxRepositories: Limit("Repositories with at least one manifest; null: no limit"),
  },
  { additionalProperties: false },
);
export type RegistryQuota = Static<typeof RegistryQuota>;

/** `GET /api/v1/projects/:project/registry/usage` */
export const RegistryUsage = Type.Object({
  /** Of blobs and manifests; what several repositories of the project have counts once. */
  bytes: Type.Integer(),
  blobs: Type.Integer(),
  manifests: Type.Integer(),
  repositories: Type.Integer(),
  quota: RegistryQuota,
});
export type RegistryUsage = Static<typeof RegistryUsage>;

/** `*` stands for anything, `?` for one character. */
const Pattern = Type.String({ minLength: 1, maxLength: 200, pattern: "^[A-Za-z0-9._/*?-]+$" });

/** What stays of the repositories whose name in the project (without it) fits the pattern. A tag stays when any of the keep rules says so. */
export const RetentionRule = Type.Object(
  {
    repositories: Pattern,
    /** So many tags, the newest by the time of their last push. */
    keepLast: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    keepTags: Type.Optional(Type.Array(Pattern, { maxItems: 50 })),
    /** Tags that were pushed within so many days. */
    keepYoungerThanDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
    /** Manifests without a tag that nothing needs go after so many days; without it they stay. */
    untaggedAfterDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
  },
  { additionalProperties: false },
);
export type RetentionRule = Static<typeof RetentionRule>;

/**
 * The first rule that fits a repository counts; a repository that none fits keeps everything. What a release needs (and so all that devices run or are to
 * run) always stays. `GET|PUT /api/v1/projects/:project/registry/retention`
 */
export const RetentionPolicy = Type.Object(
  { rules: Type.Array(RetentionRule, { maxItems: 100 }) },
  { additionalProperties: false },
);
export type RetentionPolicy = Static<typeof RetentionPolicy>;

/** What a run removes, or would remove. `POST …/registry/retention/preview` (with a policy to try, or the one in force), `POST …/registry/retention/run` */
export const RetentionResult = Type.Object({
  tags: Type.Integer(),
  manifests: Type.Integer(),
  /** The first 1,000 of them. */
  removals: Type.Array(
    Type.Object({ repository: Type.String(), tag: Type.Optional(Type.String()), digest: Type.String() }),
  ),
});
export type RetentionResult = Static<typeof RetentionResult>;

export const PreviewRequest = Type.Object({ policy: Type.Optional(RetentionPolicy) }, { additionalProperties: false });
