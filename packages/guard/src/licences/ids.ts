import type { LicenceCategory } from "./category.ts";

export interface Licence {
  /** SPDX id, spelled as the SPDX licence list spells it. */
  readonly id: string;
  readonly category: LicenceCategory;
}

/** SPDX ids (licence list 3) of what packages declare, by category. Licences that restrict use or field stand under none: unknown. */
const BY_CATEGORY: Readonly<Record<Exclude<LicenceCategory, "unknown">, string>> = {
  permissive: `0BSD AFL-2.0 AFL-2.1 AFL-3.0 Apache-1.0 Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-1.0-Perl Artistic-2.0 Beerware
    BlueOak-1.0.0 Bitstream-Vera BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-2-Clause-Views BSD-3-Clause BSD-3-Clause-Clear
    BSD-3-Clause-LBNL BSD-4-Clause BSD-4-Clause-UC BSD-Source-Code BSL-1.0 bzip2-1.0.6 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC0-1.0 curl
    ECL-2.0 FTL FSFAP FSFUL FSFULLR HPND HPND-sell-variant IBM-pibs ICU IJG Info-ZIP ISC Libpng libpng-2.0 libtiff MIT MIT-0 MIT-CMU
    MIT-Modern-Variant MITNFA MS-PL MulanPSL-2.0 NAIST-2003 NCSA NTP OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PostgreSQL PSF-2.0 Python-2.0
    Python-2.0.1 Ruby SAX-PD SGI-B-2.0 SMLNJ Spencer-94 SSLeay-standalone TCL TCP-wrappers Unicode-3.0 Unicode-DFS-2015
    Unicode-DFS-2016 Unicode-TOU Unlicense UPL-1.0 Vim W3C W3C-19980720 W3C-20150513 WTFPL X11 XFree86-1.1 xpp Zed Zlib
    zlib-acknowledgement ZPL-1.1 ZPL-2.0 ZPL-2.1 blessing`,
  "weak-copyleft": `APSL-2.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CDDL-1.0 CDDL-1.1 CPL-1.0 CECILL-C EPL-1.0 EPL-2.0 ErlPL-1.1 EUPL-1.1 EUPL-1.2 IPL-1.0
    LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later LGPLLR MPL-1.0 MPL-1.1 MPL-2.0
    MPL-2.0-no-copyleft-exception MS-RL NPL-1.1 SPL-1.0 GFDL-1.1-only GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later
    GFDL-1.3-only GFDL-1.3-or-later`,
  "strong-copyleft": `AGPL-1.0-only AGPL-1.0-or-later AGPL-3.0-only AGPL-3.0-or-later CECILL-2.0 CECILL-2.1 CPAL-1.0 GPL-1.0-only
    GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later OSL-1.1 OSL-2.1 OSL-3.0 QPL-1.0 RPL-1.5 Sleepycat SSPL-1.0`,
};

const BY_LOWER_CASE: ReadonlyMap<string, Licence> = new Map(
  (["permissive", "weak-copyleft", "strong-copyleft"] as const).flatMap((category) =>
    BY_CATEGORY[category].split(/\s+/).map((id) => [id.toLowerCase(), { id, category }] as const),
  ),
);

/** The licence of an SPDX id, in any case; undefined when the table does not know it. */
export function licenceById(id: string): Licence | undefined {
  return BY_LOWER_CASE.get(id.toLowerCase());
}
