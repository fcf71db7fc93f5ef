import type { Extraction, FoundPackage, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { areCoordinates, mavenPackage } from "./purl.ts";

const MAX_LOCK_BYTES = 16 * 1024 * 1024;
const MAX_PACKAGES = 100_000;

/** Gradle's locks: `group:artifact:version=configurations` on each line (Gradle, "Locking versions"). */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "gradle-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("gradle.lockfile") || /(?:^|\/)gradle\/dependency-locks\/[^/]+\.lockfile$/.test(path),
  read: readLock,
};

/** Gradle's list of checksums: every component that a build has fetched (Gradle, "Verifying dependencies"). */
export const metadataExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "gradle-verification-metadata",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("gradle/verification-metadata.xml"),
  read: readMetadata,
};

function readLock(file: WholeFile): Extraction {
  const packages: FoundPackage[] = [];
  let malformed = 0;
  const forBuild = /(?:^|\/)buildscript-gradle\.lockfile$/.test(file.path);
  const lines = file.bytes.toString("utf8").split("\n");
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith("empty=")) continue;
    if (packages.length >= MAX_PACKAGES)
      return { packages, problems: [`too-many-packages: more than ${MAX_PACKAGES}`] };
    const [coordinates = "", configurations = ""] = line.split("=", 2);
    const [group = "", artifact = "", version = "", ...rest] = coordinates.split(":");
    if (rest.length > 0 || !areCoordinates({ group, artifact, version })) malformed++;
    else
      packages.push(
        mavenPackage(
          { group, artifact, version },
          {
            evidence: "declared",
            line: index + 1,
            ...(forBuild || isForTests(configurations) ? { development: true } : {}),
          },
        ),
      );
  }
  return {
    packages,
    problems: malformed === 0 ? [] : [`malformed: ${malformed} lines without group, artifact and version`],
  };
}

/** Whether all that draws it in is a configuration of tests or of annotation processors. */
function isForTests(configurations: string): boolean {
  const names = configurations.split(",").filter((name) => name !== "");
  return names.length > 0 && names.every((name) => /^test|Test|^annotationProcessor$/.test(name));
}

const COMPONENT = /<component\s([^<>]{1,2000})>/g;

/** One element is all that is of use, and its attributes have no entities in them. */
function readMetadata(file: WholeFile): Extraction {
  const packages: FoundPackage[] = [];
  let malformed = 0;
  const text = file.bytes.toString("utf8");
  for (const [, attributes = ""] of text.matchAll(COMPONENT)) {
    if (packages.length >= MAX_PACKAGES)
      return { packages, problems: [`too-many-packages: more than ${MAX_PACKAGES}`] };
    const value = (name: string) => new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
    const coordinates = { group: value("group"), artifact: value("name"), version: value("version") };
    if (areCoordinates(coordinates)) packages.push(mavenPackage(coordinates, { evidence: "declared" }));
    else malformed++;
  }
  return {
    packages,
    problems: malformed === 0 ? [] : [`malformed: ${malformed} components without group, name and version`],
  };
}
