import { type Expression, formatExpression, licencesIn, parseExpression } from "./expression.ts";
import { licenceById } from "./ids.ts";

const MAX_DECLARED = 2000;

/** How licences are called where no SPDX id is written, in lower case without punctuation: see `plainName`. */
const NAMES: Readonly<Record<string, string>> = {
  apache: "Apache-2.0",
  "apache 2": "Apache-2.0",
  "apache 2 0": "Apache-2.0",
  "apache 1 1": "Apache-1.1",
  "apache software": "Apache-2.0",
  "apache software 2 0": "Apache-2.0",
  "asl 2 0": "Apache-2.0",
  "bsd 2 clause": "BSD-2-Clause",
  "simplified bsd": "BSD-2-Clause",
  freebsd: "BSD-2-Clause",
  "bsd 3 clause": "BSD-3-Clause",
  "3 clause bsd": "BSD-3-Clause",
  "2 clause bsd": "BSD-2-Clause",
  "new bsd": "BSD-3-Clause",
  "modified bsd": "BSD-3-Clause",
  "revised bsd": "BSD-3-Clause",
  "bsd 4 clause": "BSD-4-Clause",
  boost: "BSL-1.0",
  "boost 1 0": "BSL-1.0",
  "boost software 1 0": "BSL-1.0",
  cc0: "CC0-1.0",
  "cc0 1 0 universal": "CC0-1.0",
  "eclipse public 1 0": "EPL-1.0",
  "eclipse public 2 0": "EPL-2.0",
  expat: "MIT",
  mit: "MIT",
  "mit expat": "MIT",
  "mit x11": "MIT",
  isc: "ISC",
  "isc iscl": "ISC",
  "mozilla public 1 1": "MPL-1.1",
  "mozilla public 2 0": "MPL-2.0",
  "mozilla public 2 0 mpl 2 0": "MPL-2.0",
  "mpl 2 0": "MPL-2.0",
  "mpl 2": "MPL-2.0",
  psf: "PSF-2.0",
  psfl: "PSF-2.0",
  "python software foundation": "PSF-2.0",
  unlicense: "Unlicense",
  "unlicense unlicense": "Unlicense",
  zlib: "Zlib",
  "zlib libpng": "Zlib",
  "zope public 2 1": "ZPL-2.1",
  "zope public": "ZPL-2.1",
};

/** `GPLv2+`, `GPL-2`, `LGPL 2.1 or later`, `GNU General Public License v3 (GPLv3)`: family, version, and whether later ones are allowed. */
const GNU =
  /^(?:gnu )?(?<affero>a(?:gpl|ffero (?:gpl|general public)))?(?<lesser>l(?:gpl|esser (?:gpl|general public)|ibrary (?:gpl|general public)))?(?:gpl|general public)?(?: ?v| )?(?<version>[123](?: [01])?)?(?<only> only)?(?<later> ?\+| or later| or newer| or any later(?: version)?)?(?: [al]?gplv[123](?: [01])?\+?)?$/;

/** Deprecated ids of the SPDX list: the version alone meant `-only`. */
const DEPRECATED = /^(?<family>[AL]?GPL|GFDL)-(?<version>\d\.\d)$/i;

/**
 * A declared licence as an SPDX expression of known ids: canonical spelling, names and deprecated ids replaced. Undefined when any part
 * is not understood: `BSD` alone could be four licences, and a guess would pass for a fact.
 */
export function normaliseLicence(declared: string): string | undefined {
  const text = declared.trim();
  if (text === "" || text.length > MAX_DECLARED) return undefined;
  const named = byName(text);
  if (named !== undefined) return named;
  const parsed = parseExpression(text) ?? parseExpression(text.replaceAll("/", " OR "));
  const known = parsed === undefined ? undefined : canonical(parsed);
  return known === undefined ? undefined : formatExpression(known);
}

/** The ids that a declared licence names, whatever their categories; empty when it is not understood. */
export function licenceIds(declared: string): string[] {
  const text = normaliseLicence(declared);
  const expression = text === undefined ? undefined : parseExpression(text);
  return expression === undefined ? [] : [...new Set(licencesIn(expression).map(({ id }) => id))];
}

function canonical(expression: Expression): Expression | undefined {
  if (expression.kind !== "licence") {
    const parts = expression.parts.map(canonical);
    const known = parts.filter((part) => part !== undefined);
    return known.length === parts.length ? { kind: expression.kind, parts: known } : undefined;
  }
  const { id, orLater, exception } = expression;
  const found = licenceById(id)?.id ?? deprecated(id, orLater) ?? byName(`${id}${orLater ? "+" : ""}`);
  if (found === undefined) return undefined;
  const kept = orLater && !/-(?:only|or-later)$/.test(found);
  return { kind: "licence", id: found, orLater: kept, ...(exception === undefined ? {} : { exception }) };
}

function deprecated(id: string, orLater: boolean): string | undefined {
  const groups = DEPRECATED.exec(id)?.groups;
  if (groups === undefined) return undefined;
  return licenceById(`${groups["family"]}-${groups["version"]}-${orLater ? "or-later" : "only"}`)?.id;
}

function byName(text: string): string | undefined {
  const plain = plainName(text);
  return (Object.hasOwn(NAMES, plain) ? NAMES[plain] : undefined) ?? gnuLicence(plain);
}

/** Without punctuation and the words that everybody writes differently; the last part of a Python classifier. */
function plainName(text: string): string {
  const last = text.slice(text.lastIndexOf("::") + 1);
  return last
    .toLowerCase()
    .replace(/[^a-z0-9+]+/g, " ")
    .replace(/\b(?:the|licence|license|licensed|under|version|ver)\b/g, " ")
    .replace(/\bv(?=\d)/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

function gnuLicence(plain: string): string | undefined {
  if (!/gpl|general public/.test(plain)) return undefined;
  const groups = GNU.exec(plain)?.groups;
  const version = groups?.["version"]?.replace(" ", ".");
  if (groups === undefined || version === undefined) return undefined;
  const family = groups["affero"] !== undefined ? "AGPL" : groups["lesser"] !== undefined ? "LGPL" : "GPL";
  const full = version.includes(".") ? version : `${version}.0`;
  const later = groups["later"] !== undefined || plain.endsWith("+");
  return licenceById(`${family}-${full}-${later ? "or-later" : "only"}`)?.id;
}
