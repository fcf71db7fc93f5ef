import { type Static, Type } from "typebox";
import { ReleaseDocument } from "../release.ts";
import { AppName, DigestText } from "../target.ts";
import { NormalisedAppSchema, VariableDeclarations } from "./normalised-app.ts";
import { Page } from "./paging.ts";

/** Schemas of the routes `/api/v1/projects/:project/apps…` and `…/policy`. */

const Instant = Type.String({ maxLength: 40 });
const ProjectName = Type.String({ maxLength: 100 });

export const AppParams = Type.Object({ project: ProjectName, app: AppName });
export const ReleaseParams = Type.Object({
  project: ProjectName,
  app: AppName,
  /** `sha256:…`, or the tag `r3`. */
  release: Type.String({ maxLength: 80 }),
});

/** An image as the client copied it into the project's registry. */
export const ReleaseImageInput = Type.Object({
  /** As it stands in the compose file. */
  reference: Type.String({ minLength: 1, maxLength: 512 }),
  repository: Type.String({ minLength: 1, maxLength: 255 }),
  digest: DigestText,
});
export type ReleaseImageInput = Static<typeof ReleaseImageInput>;

/** Platforms as `os/architecture[/variant]`. */
export const PlatformText = Type.String({ pattern: "^[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?$", maxLength: 60 });

/** `POST …/apps/:app/releases`. Files that configs name by digest must be blobs of `<project>/<app>` already. */
export const CreateReleaseRequest = Type.Object({
  compose: NormalisedAppSchema,
  images: Type.Array(ReleaseImageInput, { minItems: 1, maxItems: 200 }),
  /** Which platforms of the images the release is for; all when absent. */
  platforms: Type.Optional(Type.Array(PlatformText, { minItems: 1, maxItems: 32 })),
  /** Evaluates the gate and makes nothing. */
  dryRun: Type.Optional(Type.Boolean()),
});
export type CreateReleaseRequest = Static<typeof CreateReleaseRequest>;

/** Why the gate warned or blocked: the rule, the finding, the image and layer, and what would pass. `release-blocked` problems carry them. */
export const GateReason = Type.Object({
  outcome: Type.Enum(["warn", "block"]),
  rule: Type.String(),
  message: Type.String(),
  /** The image as it stands in the compose file, or `compose.yaml` for what that holds itself. */
  image: Type.String(),
  /** Absent when the image has no verdict at all: its scan failed. */
  finding: Type.Optional(
    Type.Object({
      kind: Type.String(),
      id: Type.String(),
      aliases: Type.Array(Type.String()),
      severity: Type.String(),
      title: Type.Optional(Type.String()),
      purl: Type.Optional(Type.String()),
      /** Lowest version that would pass. */
      fixed: Type.Optional(Type.String()),
      exploited: Type.Optional(Type.Boolean()),
      sample: Type.Optional(Type.String()),
      location: Type.Object({
        path: Type.String(),
        layer: Type.Optional(DigestText),
        line: Type.Optional(Type.Integer()),
      }),
    }),
  ),
});
export type GateReason = Static<typeof GateReason>;

export const Gate = Type.Object({
  outcome: Type.Enum(["pass", "warn", "block"]),
  reasons: Type.Array(GateReason),
  /** Reasons left out of `reasons`, which is bounded. */
  omitted: Type.Integer({ minimum: 0 }),
});
export type Gate = Static<typeof Gate>;

export const ReleaseSummary = Type.Object({
  app: AppName,
  /** Digest of the release artifact: pins everything. */
  digest: DigestText,
  /** `r1`, `r2`, … */
  tag: Type.String(),
  /** `<project>/<app>`. */
  repository: Type.String(),
  createdAt: Instant,
  /** Who made it, as it was then. */
  createdBy: Type.String(),
  outcome: Type.Enum(["pass", "warn"]),
});
export type ReleaseSummary = Static<typeof ReleaseSummary>;

export const ReleaseDetail = Type.Object({
  ...ReleaseSummary.properties,
  document: ReleaseDocument,
  compose: NormalisedAppSchema,
  variables: VariableDeclarations,
  gate: Gate,
  /** Manifests of the CycloneDX SBOM and of the verdict, which refer to the release. */
  referrers: Type.Object({ sbom: DigestText, verdict: DigestText }),
});
export type ReleaseDetail = Static<typeof ReleaseDetail>;

/** Answer to a dry run. */
export const ReleasePreview = Type.Object({ gate: Gate });
export type ReleasePreview = Static<typeof ReleasePreview>;

export const ReleaseList = Page(ReleaseSummary);
export type ReleaseList = Static<typeof ReleaseList>;

export const AppSummary = Type.Object({
  name: AppName,
  repository: Type.String(),
  createdAt: Instant,
  releases: Type.Integer({ minimum: 0 }),
  latest: Type.Optional(ReleaseSummary),
});
export type AppSummary = Static<typeof AppSummary>;
export const AppList = Page(AppSummary);
export type AppList = Static<typeof AppList>;

/** The policy in force and where it comes from. */
export const ProjectPolicy = Type.Object({
  source: Type.Enum(["built-in", "project"]),
  /** YAML. */
  text: Type.String(),
  updatedAt: Type.Optional(Instant),
  updatedBy: Type.Optional(Type.String()),
});
export type ProjectPolicy = Static<typeof ProjectPolicy>;

/** `PUT …/policy`; `null` goes back to the built-in policy. */
export const SetPolicyRequest = Type.Object({
  text: Type.Union([Type.String({ minLength: 1, maxLength: 256 * 1024 }), Type.Null()]),
});
export type SetPolicyRequest = Static<typeof SetPolicyRequest>;
