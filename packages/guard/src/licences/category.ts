import { type Expression, parseExpression } from "./expression.ts";
import { licenceById } from "./ids.ts";
import { normaliseLicence } from "./normalise.ts";

/** What a licence asks of those who pass the software on, from least to most; `unknown` is what nobody has read yet. */
export type LicenceCategory = "permissive" | "weak-copyleft" | "strong-copyleft" | "unknown";

/** Exceptions that let other code link without coming under the licence. */
const LINKING_EXCEPTIONS: ReadonlySet<string> = new Set([
  "Autoconf-exception-2.0",
  "Autoconf-exception-3.0",
  "Bison-exception-2.2",
  "Classpath-exception-2.0",
  "eCos-exception-2.0",
  "FLTK-exception",
  "GCC-exception-2.0",
  "GCC-exception-3.1",
  "Linux-syscall-note",
  "OpenJDK-assembly-exception-1.0",
  "Libtool-exception",
  "GPL-CC-1.0",
  "Universal-FOSS-exception-1.0",
]);

/** For `AND` the strictest counts, and an unknown part may be anything below the strictest. */
const STRICTNESS: readonly LicenceCategory[] = ["permissive", "weak-copyleft", "unknown", "strong-copyleft"];
/** For `OR` the user chooses the easiest that is known. */
const CHOICE: readonly LicenceCategory[] = ["permissive", "weak-copyleft", "strong-copyleft", "unknown"];

/** The category of a declared licence text; `unknown` when none is declared or it is not understood. */
export function categoryOf(declared: string | undefined): LicenceCategory {
  const text = declared === undefined ? undefined : normaliseLicence(declared);
  const expression = text === undefined ? undefined : parseExpression(text);
  return expression === undefined ? "unknown" : categoryOfExpression(expression);
}

/** The category of a parsed expression. */
export function categoryOfExpression(expression: Expression): LicenceCategory {
  switch (expression.kind) {
    case "licence": {
      const category = licenceById(expression.id)?.category ?? "unknown";
      const eased = expression.exception !== undefined && LINKING_EXCEPTIONS.has(expression.exception);
      return eased && category === "strong-copyleft" ? "weak-copyleft" : category;
    }
    case "and":
      return pick(expression.parts, STRICTNESS, "last");
    case "or":
      return pick(expression.parts, CHOICE, "first");
  }
}

function pick(
  parts: readonly Expression[],
  order: readonly LicenceCategory[],
  which: "first" | "last",
): LicenceCategory {
  const ranks = parts.map((part) => order.indexOf(categoryOfExpression(part)));
  return order[which === "first" ? Math.min(...ranks) : Math.max(...ranks)] ?? "unknown";
}
