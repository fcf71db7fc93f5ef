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
