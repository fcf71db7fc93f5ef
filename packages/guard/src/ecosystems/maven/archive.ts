import { CodedError } from "@flotilla/base/errors";
import { readZipEntries, type ZipBounds, type ZipItem, zipOfBytes } from "../../zip.ts";
import type { Extraction, FoundPackage, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { coordinatesOfManifest, coordinatesOfProperties, linesOfManifest } from "./identity.ts";
import { areCoordinates, type Coordinates, mavenPackage } from "./purl.ts";

const MAX_ARCHIVE_BYTES = 256 * 1024 * 1024;
const MAX_DEPTH = 4;
const MAX_PACKAGES = 20_000;
const MAX_ARCHIVES = 20_000;
const MAX_PROBLEMS = 50;
const BOUNDS: ZipBounds = {
  maxEntries: 200_000,
  maxEntryBytes: MAX_ARCHIVE_BYTES,
  maxTotalBytes: 2 * MAX_ARCHIVE_BYTES,
};
/** Unpacked bytes of all nested archives together. */
const MAX_NESTED_BYTES = 1024 * 1024 * 1024;

const ARCHIVE = /\.(?:jar|war|ear|par|sar|jpi|hpi|kar|lpkg)$/i;
const PROPERTIES = /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/;
const MANIFEST = "META-INF/MANIFEST.MF";

/** Java archives, and the archives in them: coordinates that Maven wrote, else those that the manifest tells. */
export const archiveExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "java-archive",
  maxBytes: MAX_ARCHIVE_BYTES,
  wants: (path) => ARCHIVE.test(path),
  read: readArchive,
};

interface Reading {
  readonly packages: FoundPackage[];
  readonly problems: Set<string>;
  archives: number;
  nestedBytes: number;
  unidentified: number;
  firstUnidentified: string;
}

function readArchive(file: WholeFile): Extraction {
  const reading: Reading = {
    packages: [],
    problems: new Set(),
    archives: 0,
    nestedBytes: 0,
    unidentified: 0,
    firstUnidentified: "",
  };
  readOne(reading, file.bytes, file.path, 0);
  if (reading.unidentified > 0)
    reading.problems.add(
      `unidentified: ${reading.unidentified} Java archives tell no coordinates (such as ${reading.firstUnidentified.slice(-200)})`,
    );
  return { packages: reading.packages, problems: [...reading.problems].slice(0, MAX_PROBLEMS) };
}

function readOne(reading: Reading, bytes: Buffer, name: string, depth: number): void {
  if (++reading.archives > MAX_ARCHIVES) {
    reading.problems.add(`too-many-archives: more than ${MAX_ARCHIVES} in one file`);
    return;
  }
  const own: Coordinates[] = [];
  let manifest: ReadonlyMap<string, string> = new Map();
  let nested = 0;
  try {
    for (const item of readZipEntries(zipOfBytes(bytes, "the archive"), isOfUse, BOUNDS)) {
      if (item.kind === "problem") reading.problems.add(problemOf(item));
      else if (PROPERTIES.test(item.name)) own.push(...[coordinatesOfProperties(item.bytes) ?? []].flat());
      else if (item.name === MANIFEST) manifest = linesOfManifest(item.bytes);
      else {
        nested++;
        readNested(reading, item.bytes, `${name}!/${item.name}`, depth);
      }
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    reading.problems.add(`${error.code}: ${error.message.slice(0, 300)}`);
    return;
  }
  const told = own.filter(areCoordinates);
  const coordinates = told.length > 0 ? told : [coordinatesOfManifest(manifest, name) ?? []].flat();
  for (const found of coordinates) addPackage(reading, found);
  if (coordinates.length === 0 && nested === 0) noteUnidentified(reading, name);
}

function readNested(reading: Reading, bytes: Buffer, name: string, depth: number): void {
  reading.nestedBytes += bytes.length;
  if (depth + 1 > MAX_DEPTH) reading.problems.add(`too-deep: archives in archives below depth ${MAX_DEPTH}`);
  else if (reading.nestedBytes > MAX_NESTED_BYTES)
    reading.problems.add(`too-large: nested archives unpack to more than ${MAX_NESTED_BYTES} bytes`);
  else readOne(reading, bytes, name, depth + 1);
}

function isOfUse(name: string): boolean {
  return name === MANIFEST || ARCHIVE.test(name) || PROPERTIES.test(name);
}

function addPackage(reading: Reading, coordinates: Coordinates): void {
  if (reading.packages.length >= MAX_PACKAGES) reading.problems.add(`too-many-packages: more than ${MAX_PACKAGES}`);
  else reading.packages.push(mavenPackage(coordinates, { evidence: "installed" }));
}

function noteUnidentified(reading: Reading, name: string): void {
  if (reading.unidentified++ === 0) reading.firstUnidentified = name;
}

function problemOf(item: Extract<ZipItem, { kind: "problem" }>): string {
  return `${item.reason} (${item.name.slice(-100)})`;
}
