import type { SourceInfo } from "../../model.ts";
import { type ImportResult, importAdvisories } from "../import.ts";
import { readStore } from "../store.ts";

/** The seed must stay small enough to ship with everything. */
export const MAX_SEED_BYTES: number = 4 * 2 ** 20;

/** What the licences ask to be said of the seed's sources. */
const CREDITS: Readonly<Record<string, string>> = {
  "AlmaLinux OSV database": "AlmaLinux OS Foundation, https://github.com/AlmaLinux/osv-database",
  "Bitnami vulnerability database": "Bitnami by Broadcom, https://github.com/bitnami/vulndb",
  "CISA known exploited vulnerabilities":
    "Cybersecurity and Infrastructure Security Agency, https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
  "Go vulnerability database": "The Go Authors, https://vuln.go.dev",
  "Node.js security working group": "Node.js security working group, https://github.com/nodejs/security-wg",
  "PyPA advisory database": "Python Packaging Authority, https://github.com/pypa/advisory-database",
  "Retire.js": "Erlend Oftedal and contributors, https://github.com/RetireJS/retire.js",
  "RustSec advisory database": "RustSec, https://github.com/RustSec/advisory-db",
};

export interface Seed {
  readonly store: Buffer;
  readonly attribution: string;
  readonly imported: ImportResult;
}

/** The seed store and its attributions from a folder in an OSV bucket's layout. Equal input gives equal bytes. */
export function buildSeed(path: string, nowMs: number): Seed {
  const imported = importAdvisories({ path, nowMs });
  if (imported.bytes.length > MAX_SEED_BYTES)
    throw new RangeError(`the seed has ${imported.bytes.length} bytes, the bound is ${MAX_SEED_BYTES}`);
  const { sources } = readStore(imported.bytes, "seed.store");
  return { store: imported.bytes, attribution: attributionOf(sources), imported };
}

function attributionOf(sources: readonly SourceInfo[]): string {
  const rows = sources.map(({ name, asOf, count, licence }) => {
    const credit = CREDITS[name];
    if (credit === undefined || licence === undefined) throw new Error(`no credit or licence is known for ${name}`);
    return `| ${name} | ${credit} | ${licence} | ${asOf.slice(0, 10)} | ${count} |`;
  });
  return `# Attribution

\`seed.store\` holds facts taken from the databases below: ids, aliases, affected packages and versions, severities, and which
vulnerabilities are known to be exploited. Texts were left out, ranges were brought into one form, and severities that a database
does not give were taken from another one's rating of the same CVE. None of the databases endorses this selection.

| database | by | licence | data of | entries |
|---|---|---|---|---|
${rows.join("\n")}

Licences: <https://creativecommons.org/licenses/by/4.0/>, <https://creativecommons.org/publicdomain/zero/1.0/>,
<https://www.apache.org/licenses/LICENSE-2.0>, <https://opensource.org/license/mit>.

To build it anew from a folder with \`<ecosystem>/all.zip\` files and \`kev.json\`:

    npm run seed -w @flotilla/guard -- FOLDER
`;
}
