import { type Static, Type } from "typebox";

export const Health = Type.Object({ status: Type.Literal("ok") });

export const Readiness = Type.Object({
  status: Type.Literal("ready"),
  checks: Type.Record(Type.String(), Type.Boolean()),
});

/** What anybody may know of a server. */
export const ServerInfo = Type.Object({
  version: Type.String(),
  publicUrl: Type.String(),
  protocol: Type.Object({ oldest: Type.Integer(), newest: Type.Integer() }),
  /** SHA-256 of the server's own certificate authority (DER), hex; absent when it has none. */
  caFingerprint: Type.Optional(Type.String({ pattern: "^[0-9a-f]{64}$" })),
});
export type ServerInfo = Static<typeof ServerInfo>;
