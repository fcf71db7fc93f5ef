import { type Coordinates, isMavenVersion } from "./purl.ts";

const MAX_METADATA_BYTES = 1024 * 1024;
const MAX_LINES = 10_000;

/** Coordinates in `pom.properties`, which Maven writes into what it builds. */
export function coordinatesOfProperties(bytes: Buffer): Coordinates | undefined {
  const values = new Map<string, string>();
  for (const line of textOf(bytes).split(/\r\n|\r|\n/, MAX_LINES)) {
    const match = /^\s*(groupId|artifactId|version)\s*[=:]\s*(\S+)\s*$/.exec(line.slice(0, 1024));
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], match[2]);
  }
  const [group, artifact, version] = ["groupId", "artifactId", "version"].map((name) => values.get(name));
  return group === undefined || artifact === undefined || version === undefined
    ? undefined
    : { group, artifact, version };
}

/** The main section of a manifest (JAR specification, "Manifest"): names in lower case, lines that go on joined. */
export function linesOfManifest(bytes: Buffer): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let last: string | undefined;
  for (const line of textOf(bytes).split(/\r\n|\r|\n/, MAX_LINES)) {
    if (line === "") break;
    if (line.startsWith(" ") && last !== undefined) {
      values.set(last, (values.get(last) ?? "") + line.slice(1));
      continue;
    }
    const colon = line.indexOf(":");
    last = colon > 0 ? line.slice(0, colon).toLowerCase() : undefined;
    if (last !== undefined) values.set(last, line.slice(colon + 1).trimStart());
  }
  return values;
}

/**
 * Coordinates out of a manifest, only where they are certain: the version that manifest and file name agree on, the artifact in the file's
 * name, and a group that the manifest names as such (`Implementation-Vendor-Id`, or a symbolic name that is group and artifact).
 */
export function coordinatesOfManifest(manifest: ReadonlyMap<string, string>, path: string): Coordinates | undefined {
  const file = /([^/!]+)\.[a-z]+$/i.exec(path)?.[1] ?? "";
  const version = ["implementation-version", "bundle-version", "specification-version"]
    .map((name) => (manifest.get(name) ?? "").trim())
    .find((text) => text !== "" && isMavenVersion(text) && file.endsWith(`-${text}`));
  if (version === undefined) return undefined;
  const artifact = file.slice(0, -version.length - 1);
  const group = groupOf(manifest, artifact);
  if (group === undefined || !/^[A-Za-z0-9_.-]{1,200}$/.test(group) || artifact === "") return undefined;
  return { group, artifact, version };
}

function groupOf(manifest: ReadonlyMap<string, string>, artifact: string): string | undefined {
  const vendor = manifest.get("implementation-vendor-id")?.trim();
  if (vendor !== undefined && /^[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*$/.test(vendor)) return vendor;
  const symbolic = (manifest.get("bundle-symbolicname") ?? "").split(";", 1)[0]?.trim() ?? "";
  return symbolic.endsWith(`.${artifact}`) ? symbolic.slice(0, -artifact.length - 1) : undefined;
}

function textOf(bytes: Buffer): string {
  return bytes.subarray(0, MAX_METADATA_BYTES).toString("utf8");
}
