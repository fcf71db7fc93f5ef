import { type Static, Type } from "typebox";
import { AppName, DigestText } from "../target.ts";

/** Schemas of `GET /api/v1/projects/:project/apps/:app/releases/:release/diff`: what changes from one release of an app to another. */

const Change = Type.Enum(["added", "removed", "changed"]);
const Count = Type.Integer({ minimum: 0 });

export const ReleaseDiffQuery = Type.Object(
  {
    /** Digest or tag of the release to compare with. */
    from: Type.String({ minLength: 1, maxLength: 80 }),
  },
  { additionalProperties: false },
);

/** One field of a service, network, volume, config or secret, by its path in the normal form: `environment.SITE`. */
export const FieldChange = Type.Object({
  field: Type.String(),
  change: Change,
  /** JSON of the value before and after, cut when it is long. */
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
});
export type FieldChange = Static<typeof FieldChange>;

export const ComposeChange = Type.Object({
  section: Type.Enum(["services", "networks", "volumes", "configs", "secrets", "variables"]),
  name: Type.String(),
  change: Change,
  /** Empty for what was added or removed as a whole. */
  fields: Type.Array(FieldChange),
});
export type ComposeChange = Static<typeof ComposeChange>;

const ImageSide = Type.Object({ reference: Type.String(), digest: DigestText });

export const ImageChange = Type.Object({
  repository: Type.String(),
  change: Change,
  from: Type.Optional(ImageSide),
  to: Type.Optional(ImageSide),
});
export type ImageChange = Static<typeof ImageChange>;

export const LayerChange = Type.Object({
  change: Type.Enum(["added", "removed"]),
  /** Of the compressed blob. */
  digest: DigestText,
  diffId: DigestText,
  sizeBytes: Count,
  /** An image that has it, as it stands in the compose file. */
  image: Type.String(),
});
export type LayerChange = Static<typeof LayerChange>;

/** What a device of one platform has to fetch. */
export const PlatformChange = Type.Object({
  platform: Type.String(),
  /** Blobs of the new release that the old one does not have, compressed: a device that runs the old one fetches so much. */
  download: Type.Object({ blobs: Count, sizeBytes: Count }),
  /** Everything the new release names, for a device that has nothing of it. */
  total: Type.Object({ blobs: Count, sizeBytes: Count }),
  layers: Type.Array(LayerChange),
  /** Layers that both have. */
  keptLayers: Count,
});
export type PlatformChange = Static<typeof PlatformChange>;

export const PackageChange = Type.Object({
  image: Type.String(),
  ecosystem: Type.String(),
  name: Type.String(),
  change: Type.Enum(["added", "removed", "upgraded", "downgraded"]),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
});
export type PackageChange = Static<typeof PackageChange>;

export const FindingChange = Type.Object({
  image: Type.String(),
  change: Type.Enum(["new", "fixed"]),
  kind: Type.String(),
  id: Type.String(),
  severity: Type.String(),
  title: Type.Optional(Type.String()),
  purl: Type.Optional(Type.String()),
  /** Lowest version without it. */
  fixed: Type.Optional(Type.String()),
  /** Where it stands. */
  path: Type.String(),
});
export type FindingChange = Static<typeof FindingChange>;

const Side = Type.Object({ digest: DigestText, tag: Type.String() });

export const ReleaseDiff = Type.Object({
  app: AppName,
  from: Side,
  to: Side,
  compose: Type.Array(ComposeChange),
  images: Type.Array(ImageChange),
  /** Of the new release's platforms, by name. */
  platforms: Type.Array(PlatformChange),
  packages: Type.Array(PackageChange),
  /** By the advisories of now, for both releases alike. */
  findings: Type.Array(FindingChange),
  /** Changes left out of the lists above, which are bounded. */
  omitted: Type.Object({ compose: Count, packages: Count, findings: Count }),
  /** What could not be compared, in sentences. */
  notCompared: Type.Array(Type.String()),
});
export type ReleaseDiff = Static<typeof ReleaseDiff>;
