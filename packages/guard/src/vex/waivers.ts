import { type Digest, parseDigest } from "@flotilla/base/digest";
import { type Static, Type } from "typebox";
import { isDay, parseStrictYaml } from "../policy/strict-yaml.ts";

const MAX_WAIVERS = 10_000;
const Text = Type.String({ minLength: 1, maxLength: 1000 });
const Texts = Type.Array(Text, { minItems: 1, maxItems: 1000 });
const strict = { additionalProperties: false };

/** OpenVEX 0.2.0, "Status Justifications". */
export const JUSTIFICATIONS = [
  "component_not_present",
  "vulnerable_code_not_present",
  "vulnerable_code_not_in_execute_path",
  "vulnerable_code_cannot_be_controlled_by_adversary",
  "inline_mitigations_already_exist",
] as const;

const WaiverDocument = Type.Object(
  {
    ids: Type.Optional(Texts),
    packages: Type.Optional(Texts),
    layers: Type.Optional(Texts),
    owner: Text,
    reason: Text,
    expires: Text,
    justification: Type.Optional(Type.Enum([...JUSTIFICATIONS])),
  },
  strict,
);

/** The waiver file, as users write it. */
const WaiversDocument = Type.Object({ waivers: Type.Array(WaiverDocument, { maxItems: MAX_WAIVERS }) }, strict);
type WaiversDocument = Static<typeof WaiversDocument>;

/** A finding that somebody answers for until a day. Every scope that is given must fit. */
export interface Waiver {
  /** Ids or aliases of advisories; rules of secrets. */
  readonly ids?: readonly string[];
  /** Package URLs in which `*` stands for any text. */
  readonly packages?: readonly string[];
  /** Diff ids: the finding lies in these layers and nowhere else. */
  readonly layers?: readonly Digest[];
  readonly owner: string;
  readonly reason: string;
  /** The last day (UTC) on which it holds. */
  readonly expires: string;
  /** With one of VEX's justifications the waiver says "not affected", else "accepted". */
  readonly justification?: string;
  /** The file it stands in. */
  readonly document: string;
}

/** The waivers in `text` (YAML). Throws `waivers-invalid` with the lines; each needs an owner, a reason, an expiry and a scope. */
export function parseWaivers(text: string, name = "waivers"): readonly Waiver[] {
  const { waivers } = parseStrictYaml(text, { schema: WaiversDocument, name, what: "waivers", check });
  return waivers.map(({ layers, ...waiver }) => ({
    ...waiver,
    ...(layers === undefined ? {} : { layers: layers.flatMap((layer) => parseDigest(layer) ?? []) }),
    document: name,
  }));
}

function check({ waivers }: WaiversDocument): { path: string[]; message: string }[] {
  return waivers.flatMap(({ ids, packages, layers = [], expires }, index) => {
    const path = ["waivers", String(index)];
    const problems: { path: string[]; message: string }[] = [];
    if (ids === undefined && packages === undefined && layers.length === 0)
      problems.push({ path, message: "a waiver needs a scope: ids, packages or layers" });
    if (!isDay(expires))
      problems.push({ path: [...path, "expires"], message: `"${expires}" is not a day as 2027-01-31` });
    for (const layer of layers)
      if (parseDigest(layer) === undefined)
        problems.push({ path: [...path, "layers"], message: `"${layer.slice(0, 100)}" is not a digest` });
    return problems;
  });
}
