import { formatPurl } from "../../purl.ts";
import type { Extraction, FoundPackage, WholeFile, WholeFileExtractor } from "../ecosystem.ts";

const MAX_DATABASE_BYTES = 64 * 1024 * 1024;
const MAX_PACKAGES = 100_000;
const MAX_FILES = 500_000;
const MAX_LICENCE_LENGTH = 500;
const PATHS: ReadonlySet<string> = new Set(["lib/apk/db/installed", "usr/lib/apk/db/installed"]);

/** apk's database of installed packages (apk-tools, "Installed database V2"): lines of a letter, a colon and a value. */
export const installedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "apk-installed",
  maxBytes: MAX_DATABASE_BYTES,
  wants: (path) => PATHS.has(path),
  read: readInstalled,
};

/** What the lines of one package said so far. */
type Stanza = Map<string, string>;

function readInstalled(file: WholeFile): Extraction {
  const packages: FoundPackage[] = [];
  const problems: string[] = [];
  const owned: string[] = [];
  let stanza: Stanza = new Map();
  let folder = "";
  const close = () => {
    if (stanza.size === 0) return;
    const found = packageOf(stanza);
    if (typeof found === "string") problems.push(found);
    else if (packages.length < MAX_PACKAGES) packages.push(found);
    else if (packages.length === MAX_PACKAGES && !problems.some((reason) => reason.startsWith("too-many-packages")))
      problems.push(`too-many-packages: more than ${MAX_PACKAGES}`);
    stanza = new Map();
    folder = "";
  };
  for (const line of file.bytes.toString("utf8").split("\n")) {
    const value = line.slice(2).trimEnd();
    if (line.trim() === "") close();
    else if (line.charCodeAt(1) !== 0x3a) continue;
    else if (line.startsWith("F")) folder = value === "" ? "" : `${value}/`;
    else if (line.startsWith("R")) owned.push(folder + value);
    else if (!stanza.has(line.charAt(0))) stanza.set(line.charAt(0), value);
  }
  close();
  if (owned.length > MAX_FILES) problems.push(`too-many-files: more than ${MAX_FILES}`);
  return { packages, problems, owned: owned.slice(0, MAX_FILES) };
}

/** `P` name, `V` version, `A` architecture, `L` licence, `o` the package it is built from (origin). */
function packageOf(stanza: Stanza): FoundPackage | string {
  const name = stanza.get("P") ?? "";
  const version = stanza.get("V") ?? "";
  const origin = stanza.get("o") ?? "";
  const licence = stanza.get("L")?.slice(0, MAX_LICENCE_LENGTH);
  if (!isName(name)) return `malformed: package name ${JSON.stringify(name.slice(0, 80))}`;
  if (!/^[A-Za-z0-9._~+-]{1,200}$/.test(version))
    return `malformed: version of ${name} ${JSON.stringify(version.slice(0, 80))}`;
  return {
    purl: formatPurl({
      type: "apk",
      namespace: "alpine",
      name,
      version,
      qualifiers: { arch: stanza.get("A")?.slice(0, 50) },
    }),
    name,
    version,
    source: { name: isName(origin) ? origin : name, version },
    evidence: "installed",
    ...(licence === undefined || licence === "" ? {} : { licence }),
  };
}

function isName(text: string): boolean {
  return /^[A-Za-z0-9_.][A-Za-z0-9+_.-]{0,199}$/.test(text);
}
