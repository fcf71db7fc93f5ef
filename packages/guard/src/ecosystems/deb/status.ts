import { type HeaderFields, parseHeaders } from "../../headers.ts";
import { formatPurl } from "../../purl.ts";
import type { Extraction, FoundPackage, WholeFileExtractor } from "../ecosystem.ts";

const MAX_STATUS_BYTES = 64 * 1024 * 1024;
const MAX_STANZAS = 200_000;
/** States in which a package's files are there (dpkg(1), "Package states"). */
const PRESENT: ReadonlySet<string> = new Set([
  "installed",
  "unpacked",
  "half-configured",
  "triggers-awaiting",
  "triggers-pending",
]);

/** dpkg's database: `var/lib/dpkg/status`, or one file a package in `status.d` (distroless images). */
export const statusExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "deb-status",
  maxBytes: MAX_STATUS_BYTES,
  wants: (path) =>
    path === "var/lib/dpkg/status" || (path.startsWith("var/lib/dpkg/status.d/") && !path.endsWith(".md5sums")),
  read: ({ bytes }) => readStanzas(bytes, packageOf),
};

/** The packages of a dpkg status file that are there, each as `read` takes its fields; a text says what is wrong with them. */
export function readStanzas(bytes: Buffer, read: (fields: HeaderFields) => FoundPackage | string): Extraction {
  const packages: FoundPackage[] = [];
  const problems: string[] = [];
  let stanzas = 0;
  for (const block of bytes.toString("utf8").split(/\n(?:[ \t]*\r?\n)+/)) {
    if (block.trim() === "") continue;
    if (++stanzas > MAX_STANZAS) {
      problems.push(`too-many-packages: more than ${MAX_STANZAS}`);
      break;
    }
    const fields = parseHeaders(block);
    if (!isPresent(fields.get("status"))) continue;
    const found = read(fields);
    if (typeof found === "string") problems.push(found);
    else packages.push(found);
  }
  return { packages, problems };
}

/** `Status: install ok installed`; the files of `status.d` have none. */
function isPresent(status: string | undefined): boolean {
  return status === undefined || PRESENT.has(status.split(/\s+/)[2] ?? "");
}

function packageOf(fields: HeaderFields): FoundPackage | string {
  const name = fields.get("package") ?? "";
  const version = fields.get("version") ?? "";
  if (!/^[a-z0-9A-Z][a-zA-Z0-9+.-]*$/.test(name) || name.length > 200)
    return `malformed: package name ${JSON.stringify(name.slice(0, 80))}`;
  if (!/^[A-Za-z0-9.+:~-]{1,200}$/.test(version))
    return `malformed: version of ${name} ${JSON.stringify(version.slice(0, 80))}`;
  return {
    purl: formatPurl({
      type: "deb",
      namespace: "debian",
      name,
      version,
      qualifiers: { arch: fields.get("architecture")?.slice(0, 50) },
    }),
    name,
    version,
    source: sourceOf(fields.get("source"), name, version),
    evidence: "installed",
  };
}

/** `Source: glibc (2.36-9)`; name and version are the binary's where it does not say (deb-control(5)). */
function sourceOf(field: string | undefined, name: string, version: string): { name: string; version: string } {
  const match = /^(\S{1,200})(?:\s+\(([^)\s]{1,200})\))?$/.exec(field ?? "");
  return { name: match?.[1] ?? name, version: match?.[2] ?? version };
}
