import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import type { Extraction, FoundPackage, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { composerPurl, isComposerName } from "./purl.ts";

const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** `composer.lock`: `packages` and `packages-dev`. */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "composer-lock",
  maxBytes: MAX_FILE_BYTES,
  wants: (path) =>
    path.endsWith("composer.lock") && /(?:^|\/)composer\.lock$/.test(path) && !/(?:^|\/)vendor\//.test(path),
  read: readLock,
};

/** `vendor/composer/installed.json`: what Composer 1 (a list) or 2 (an object) has installed. */
export const installedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "composer-installed",
  maxBytes: MAX_FILE_BYTES,
  wants: (path) => path.endsWith("composer/installed.json") && /(?:^|\/)composer\/installed\.json$/.test(path),
  read: readInstalled,
};

function readLock(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const gathering = createGathering();
  const production = objectsOf(parsed.value["packages"]);
  const development = objectsOf(parsed.value["packages-dev"]);
  if (production === undefined) gathering.problem("malformed: no list of packages");
  for (const item of production ?? []) add(item, { evidence: "declared", development: false }, gathering);
  for (const item of development ?? []) add(item, { evidence: "declared", development: true }, gathering);
  relate([...(production ?? []), ...(development ?? [])], gathering);
  return gathering.extraction();
}

function readInstalled(file: WholeFile): Extraction {
  const parsed = parseJsonObject(
    file.bytes.toString("latin1", 0, 64).trimStart().startsWith("[") ? wrapped(file.bytes) : file.bytes,
  );
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const packages = objectsOf(parsed.value["packages"]);
  if (packages === undefined) return { packages: [], problems: ["malformed: no list of packages"] };
  const names = parsed.value["dev-package-names"];
  const development = new Set(Array.isArray(names) ? names : []);
  const gathering = createGathering();
  for (const item of packages)
    add(item, { evidence: "installed", development: development.has(item["name"]) }, gathering);
  relate(packages, gathering);
  return gathering.extraction();
}

/** The list of Composer 1 in the object of Composer 2. */
function wrapped(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from('{"packages":'), bytes, Buffer.from("}")]);
}

function objectsOf(value: unknown): readonly JsonObject[] | undefined {
  return Array.isArray(value) ? value.filter(isObject) : undefined;
}

interface Identity {
  readonly name: string;
  readonly version: string;
}

function identityOf(item: JsonObject): Identity {
  return { name: (textOf(item["name"]) ?? "").toLowerCase(), version: textOf(item["version"], 256) ?? "" };
}

function add(
  item: JsonObject,
  { evidence, development }: { readonly evidence: FoundPackage["evidence"]; readonly development: boolean },
  gathering: Gathering,
): void {
  const { name, version } = identityOf(item);
  if (!isComposerName(name)) {
    gathering.malformed(name);
    return;
  }
  const distribution = item["dist"];
  const isFolder = isObject(distribution) && distribution["type"] === "path";
  if (isFolder || !/^v?\d/.test(version)) {
    gathering.unversioned(name);
    return;
  }
  const licences = (Array.isArray(item["license"]) ? item["license"] : [item["license"]])
    .slice(0, 8)
    .flatMap((text: unknown) => textOf(text, 64) ?? []);
  gathering.add({
    purl: composerPurl(name, version),
    name,
    version,
    evidence,
    ...(development ? { development } : {}),
    ...(licences.length === 0 ? {} : { licence: licences.join(" OR ") }),
  });
}

function relate(items: readonly JsonObject[], gathering: Gathering): void {
  const purls = new Map(items.map(identityOf).map(({ name, version }) => [name, composerPurl(name, version)]));
  for (const item of items) {
    const by = purls.get(identityOf(item).name);
    if (by === undefined || !isObject(item["require"])) continue;
    for (const name of Object.keys(item["require"])) {
      const needed = purls.get(name.toLowerCase());
      if (needed !== undefined) gathering.requires(by, needed);
    }
  }
}
