import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const MAX_ENTRIES = 1_000_000;

const KevCatalogue = Type.Object({
  catalogVersion: Type.String(),
  dateReleased: Type.Optional(Type.String()),
  vulnerabilities: Type.Array(Type.Object({ cveID: Type.String({ pattern: "^CVE-[0-9]{4}-[0-9]{4,12}$" }) }), {
    maxItems: MAX_ENTRIES,
  }),
});
/** The catalogue of known exploited vulnerabilities that CISA publishes: the fields we use. */
export type KevCatalogue = Static<typeof KevCatalogue>;

const kevCatalogue = Compile(KevCatalogue);

/** Whether a JSON value is the catalogue of known exploited vulnerabilities. */
export function isKev(value: unknown): value is KevCatalogue {
  return kevCatalogue.Check(value);
}
