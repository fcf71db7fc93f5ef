import { type Static, Type } from "typebox";
import { Page, PageQueryMembers } from "./paging.ts";

const Digest = Type.String({ pattern: "^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$" });
const ProjectName = Type.String({ maxLength: 100 });

/** Parameters of the project's lists. */
export const RepositoriesParams = Type.Object({ project: ProjectName });

/** A repository of a project's registry. */
export const Repository = Type.Object({
  /** `<project>/<name>`. */
  name: Type.String(),
  tagCount: Type.Integer(),
  manifestCount: Type.Integer(),
  updatedAt: Type.String(),
});
export type Repository = Static<typeof Repository>;

/** `GET /api/v1/projects/:project/repositories` */
export const RepositoryList = Page(Repository);
export type RepositoryList = Static<typeof RepositoryList>;

/** Where the scan of a manifest stands. `none`: it is no image, or none was asked for. `failed`: no verdict can be given, see the problem. */
export const ScanState = Type.Union([
  Type.Literal("pending"),
  Type.Literal("done"),
  Type.Literal("failed"),
  Type.Literal("none"),
]);
export type ScanState = Static<typeof ScanState>;

export const Tag = Type.Object({
  name: Type.String(),
  digest: Digest,
  mediaType: Type.String(),
  sizeBytes: Type.Integer(),
  updatedAt: Type.String(),
  scan: ScanState,
  outcome: Type.Optional(Type.Union([Type.Literal("pass"), Type.Literal("warn"), Type.Literal("block")])),
});
export type Tag = Static<typeof Tag>;

/** `GET /api/v1/projects/:project/repositories/tags?repository=<project>/<name>` */
export const TagQuery = Type.Object(
  { ...PageQueryMembers, repository: Type.String({ maxLength: 255 }) },
  { additionalProperties: false },
);
export const TagList = Page(Tag);
export type TagList = Static<typeof TagList>;

/** `GET /api/v1/projects/:project/scans/:digest`; waits up to `waitSeconds` for a pending scan. */
export const ScanParams = Type.Object({ project: ProjectName, digest: Digest });
export const ScanQuery = Type.Object(
  { waitSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 60 })) },
  { additionalProperties: false },
);

/** The scan of a manifest; `report` is the guard's report as `flotilla scan --format json` writes it. */
export const ScanResult = Type.Object({
  manifest: Digest,
  state: ScanState,
  /** Why there is no verdict, when the state is `failed`. */
  problem: Type.Optional(Type.String()),
  finishedAt: Type.Optional(Type.String()),
  report: Type.Optional(Type.Unknown()),
});
export type ScanResult = Static<typeof ScanResult>;
