import { formatPurl } from "../../purl.ts";
import type { FoundPackage } from "../ecosystem.ts";

const PART = /^[A-Za-z0-9_.-]{1,200}$/;

/** Group, artifact and version (Maven, "Coordinates"). */
export interface Coordinates {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
}

/** Whether these are coordinates that a repository would take. */
export function areCoordinates({ group, artifact, version }: Coordinates): boolean {
  return PART.test(group) && PART.test(artifact) && isMavenVersion(version);
}

/** One version, no range and no property that is still to be filled in. */
export function isMavenVersion(version: string): boolean {
  return /^[A-Za-z0-9_.+~-]{1,200}$/.test(version);
}

/** The package; its name is `group:artifact`, as OSV has it. */
export function mavenPackage(
  { group, artifact, version }: Coordinates,
  more: Pick<FoundPackage, "evidence"> & Partial<Pick<FoundPackage, "development" | "direct" | "line" | "licence">>,
): FoundPackage {
  return {
    purl: formatPurl({ type: "maven", namespace: group, name: artifact, version }),
    name: `${group}:${artifact}`,
    version,
    ...more,
  };
}
