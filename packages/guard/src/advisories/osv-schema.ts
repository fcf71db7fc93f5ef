import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";

const MAX_ID = 200;
const MAX_ALIASES = 2000;
const MAX_AFFECTED = 20_000;
const MAX_EVENTS = 5000;
const MAX_VERSIONS = 100_000;
const MAX_VERSION = 512;

const maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const Ids = maybe(Type.Array(Type.String({ maxLength: MAX_ID }), { maxItems: MAX_ALIASES }));
const Version = Type.Optional(Type.String({ maxLength: MAX_VERSION }));

const OsvSeverity = maybe(Type.Array(Type.Object({ type: Type.String(), score: Type.Unknown() }), { maxItems: 100 }));

const OsvAffected = Type.Object({
  package: maybe(Type.Object({ ecosystem: Type.String(), name: Type.String() })),
  severity: OsvSeverity,
  ranges: maybe(
    Type.Array(
      Type.Object({
        type: Type.String(),
        events: Type.Array(Type.Object({ introduced: Version, fixed: Version, last_affected: Version }), {
          maxItems: MAX_EVENTS,
        }),
      }),
      { maxItems: MAX_EVENTS },
    ),
  ),
  versions: maybe(Type.Array(Type.String({ maxLength: MAX_VERSION }), { maxItems: MAX_VERSIONS })),
  ecosystem_specific: Type.Optional(Type.Unknown()),
  database_specific: Type.Optional(Type.Unknown()),
});
export type OsvAffected = Static<typeof OsvAffected>;

/** An OSV document (OSV schema 1.x): the fields we use, and no others. */
export const OsvDocument = Type.Object({
  id: Type.String({ minLength: 1, maxLength: MAX_ID, pattern: "^[!-~]+$" }),
  modified: maybe(Type.String()),
  withdrawn: maybe(Type.String()),
  summary: maybe(Type.String()),
  aliases: Ids,
  upstream: Ids,
  related: Ids,
  severity: OsvSeverity,
  affected: maybe(Type.Array(OsvAffected, { maxItems: MAX_AFFECTED })),
  database_specific: Type.Optional(Type.Unknown()),
});
export type OsvDocument = Static<typeof OsvDocument>;

const osvDocument = Compile(OsvDocument);

/** `value` as an OSV document, or what is wrong with it. */
export function checkOsv(value: unknown): { readonly document: OsvDocument } | { readonly problem: string } {
  if (osvDocument.Check(value)) return { document: value };
  const [first] = osvDocument.Errors(value);
  const where = first?.instancePath === "" || first === undefined ? "" : ` at ${first.instancePath}`;
  return { problem: `not-osv: ${first?.message ?? "it is not an OSV document"}${where}` };
}
