import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { Envelope } from "../dsse.ts";
import { AppName, DigestText } from "../target.ts";
import { PlatformText } from "./releases.ts";

/** Taking a release from one server to another, as a signed file. */

/** Payload type of a {@link ReleaseExport}. */
export const RELEASE_EXPORT_PAYLOAD_TYPE = "application/vnd.flotilla.release-export.v1+json";

/** Most manifests and blobs of one release. */
export const MAX_EXPORT_CONTENTS = 10_000;

/** A manifest or blob of a repository. */
export const ExportContent = Type.Object({
  kind: Type.Enum(["manifest", "blob"]),
  /** `<project>/<name>` where it is, and where it goes. */
  repository: Type.String({ maxLength: 255 }),
  digest: DigestText,
  sizeBytes: Type.Integer({ minimum: 0 }),
  mediaType: Type.String({ maxLength: 255 }),
});
export type ExportContent = Static<typeof ExportContent>;

/** What is signed: the release, and everything that the file holds of it, in the order in which a registry takes it. */
export const ReleaseExport = Type.Object({
  format: Type.Literal(1),
  app: AppName,
  /** As the exporting server names it; the importing one gives its own number. */
  tag: Type.String({ maxLength: 20 }),
  release: DigestText,
  exportedAt: Type.String({ maxLength: 40 }),
  /** Public address of the exporting server. */
  server: Type.String({ maxLength: 2000 }),
  /** Platforms of the images in the file. */
  platforms: Type.Array(PlatformText, { maxItems: 64 }),
  contents: Type.Array(ExportContent, { minItems: 1, maxItems: MAX_EXPORT_CONTENTS }),
});
export type ReleaseExport = Static<typeof ReleaseExport>;

/** The envelope in parsed JSON, or undefined. */
export function asEnvelope(value: unknown): Envelope | undefined {
  return Value.Check(Envelope, value) ? value : undefined;
}

/** The document in parsed JSON, or undefined. */
export function asReleaseExport(value: unknown): ReleaseExport | undefined {
  return Value.Check(ReleaseExport, value) ? value : undefined;
}

/** `POST …/apps/:app/releases/:release/export`. */
export const ExportRequest = Type.Object(
  {
    /** Platforms of the images; all of the release when absent. */
    platforms: Type.Optional(Type.Array(PlatformText, { minItems: 1, maxItems: 32 })),
  },
  { additionalProperties: false },
);
export type ExportRequest = Static<typeof ExportRequest>;

/** Public half of the key that the server signs releases with. */
export const ReleaseKey = Type.Object({
  /** SPKI DER of an Ed25519 key, base64. */
  publicKey: Type.String({ maxLength: 200 }),
  /** SHA-256 of that DER, hex. */
  keyid: Type.String({ maxLength: 64 }),
});
export type ReleaseKey = Static<typeof ReleaseKey>;

export const SignedExport = Type.Object({ envelope: Envelope, key: ReleaseKey });
export type SignedExport = Static<typeof SignedExport>;

/** `POST …/apps/:app/release-imports`: makes a release of an artifact that was pushed to `<project>/<app>`, with its images beside it. */
export const ImportRequest = Type.Object({ release: DigestText }, { additionalProperties: false });
export type ImportRequest = Static<typeof ImportRequest>;
