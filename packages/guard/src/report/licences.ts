/** SPDX ids of the licences that packages mostly declare (SPDX licence list 3). */
const SPDX_IDS: ReadonlySet<string> = new Set(
  (
    "0BSD AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0-Perl Artistic-2.0 BSD-1-Clause BSD-2-Clause " +
    "BSD-3-Clause BSD-4-Clause BSL-1.0 BlueOak-1.0.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 EPL-1.0 EPL-2.0 EUPL-1.2 " +
    "GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU ISC LGPL-2.0-or-later LGPL-2.1-only " +
    "LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MPL-1.1 MPL-2.0 OFL-1.1 OpenSSL PostgreSQL PSF-2.0 Python-2.0 " +
    "Ruby Unicode-3.0 Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11 Zlib ZPL-2.1"
  ).split(" "),
);

export type CycloneDxLicence =
  | { readonly license: { readonly id: string } | { readonly name: string } }
  | { readonly expression: string };

/** A declared licence as CycloneDX 1.6 writes it: an SPDX id, an SPDX expression of known ids, else a name. */
export function toCycloneDxLicence(declared: string): CycloneDxLicence {
  const text = declared.trim();
  if (SPDX_IDS.has(text)) return { license: { id: text } };
  return isExpression(text) ? { expression: text } : { license: { name: text } };
}

function isExpression(text: string): boolean {
  if (text.length > 500 || !/ (?:AND|OR) /.test(text)) return false;
  const words = text.replace(/[()]/g, " ").trim().split(/\s+/);
  return (
    words.length % 2 === 1 &&
    words.every((word, index) => (index % 2 === 0 ? SPDX_IDS.has(word) : /^(?:AND|OR)$/.test(word)))
  );
}
