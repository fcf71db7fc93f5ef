import type { Inventory, Package } from "./model.ts";

export type Os = NonNullable<Inventory["os"]>;

/** Distributions whose advisories OSV keeps by release, as OSV writes them (OSV schema, "Defined ecosystems"). */
const STREAMS: Readonly<Record<string, (versionId: string) => string>> = {
  debian: (versionId) => `Debian:${versionId.split(".")[0]}`,
  ubuntu: (versionId) => `Ubuntu:${versionId}`,
};

/** The operating system that an os-release file (os-release(5)) names, or undefined. */
export function osOf(text: string | undefined): Os | undefined {
  if (text === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(\S*))\s*$/.exec(line);
    if (match?.[1] !== undefined) fields.set(match[1], match[2] ?? match[3] ?? match[4] ?? "");
  }
  const id = fields.get("ID");
  if (id === undefined || !/^[a-z0-9._-]{1,64}$/.test(id)) return undefined;
  const prettyName = fields.get("PRETTY_NAME");
  return {
    id,
    versionId: (fields.get("VERSION_ID") ?? "").slice(0, 64),
    ...(prettyName === undefined ? {} : { prettyName: prettyName.slice(0, 200) }),
  };
}

/** The OSV stream of a distribution's release, or undefined where OSV has none. */
export function distroStream(id: string, versionId: string): string | undefined {
  return versionId === "" || !Object.hasOwn(STREAMS, id) ? undefined : STREAMS[id]?.(versionId);
}

/** `found` with its distribution's advisory stream and purl, when it is a deb: its status file alone does not say whose it is. */
export function withDistro(found: Package, os: Os | undefined): Package {
  if (found.ecosystem !== "deb" || os === undefined) return found;
  const purl = found.purl.replace(/^pkg:deb\/[^/]+\//, `pkg:deb/${os.id}/`);
  const tag = os.versionId === "" ? "" : `${purl.includes("?") ? "&" : "?"}distro=${os.id}-${os.versionId}`;
  const stream = distroStream(os.id, os.versionId);
  return { ...found, purl: purl + tag, ...(stream === undefined ? {} : { distro: stream }) };
}
