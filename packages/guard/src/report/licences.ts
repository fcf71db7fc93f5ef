import { parseExpression } from "../licences/expression.ts";
import { normaliseLicence } from "../licences/normalise.ts";

export type CycloneDxLicence =
  | { readonly license: { readonly id: string } | { readonly name: string } }
  | { readonly expression: string };

/** A declared licence as CycloneDX 1.6 writes it: an SPDX id, an SPDX expression of known ids, else the declared name. */
export function toCycloneDxLicence(declared: string): CycloneDxLicence {
  const text = normaliseLicence(declared);
  const expression = text === undefined ? undefined : parseExpression(text);
  if (text === undefined || expression === undefined) return { license: { name: declared.trim() } };
  const single = expression.kind === "licence" && !expression.orLater && expression.exception === undefined;
  return single ? { license: { id: text } } : { expression: text };
}
