import { type Static, Type } from "typebox";

export const DigestText = Type.String({ pattern: "^sha256:[a-f0-9]{64}$" });
export const AppName = Type.String({ pattern: "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$" });

/** What one device should run of one app. */
export const AppTarget = Type.Object({
  /** Digest of the release artifact's manifest. */
  release: DigestText,
  /** Repository of the release artifact in the server's registry, `<project>/<app>`. */
  repository: Type.String({ maxLength: 255 }),
  /** Values of the variables that this release asks for, merged from project, group and device. May hold secrets: never logged. */
  variables: Type.Record(Type.String(), Type.String()),
  /** SHA-256 of the canonical JSON of `variables`. */
  variablesHash: DigestText,
});
export type AppTarget = Static<typeof AppTarget>;

/**
 * The payload of the target envelope. `version` only grows for a device: a smaller one is refused. An app that is absent is to be
 * stopped and removed (its volumes are kept).
 */
export const TargetDocument = Type.Object({
  format: Type.Literal(1),
  device: Type.String({ maxLength: 64 }),
  version: Type.Integer({ minimum: 0 }),
  issuedAt: Type.String({ maxLength: 40 }),
  apps: Type.Record(AppName, AppTarget, { additionalProperties: false }),
});
export type TargetDocument = Static<typeof TargetDocument>;
