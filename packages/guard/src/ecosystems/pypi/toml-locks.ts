import { isObject, type JsonObject, textOf } from "../../json.ts";
import { parseTomlObject, tablesOf } from "../../toml.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { extractLocked, type Locked, requirementName } from "./graph.ts";

const MAX_LOCK_BYTES = 16 * 1024 * 1024;
const MAX_PACKAGES = 50_000;

/** `poetry.lock` of every Poetry: an array of packages; before 1.5 with a category, from 2.0 on with groups. */
export const poetryExtractor: WholeFileExtractor = tomlLock("pypi-poetry", /(?:^|\/)poetry\.lock$/, "package", poetry);

/** `pdm.lock`: needs are requirements as text. */
export const pdmExtractor: WholeFileExtractor = tomlLock("pypi-pdm", /(?:^|\/)pdm\.lock$/, "package", pdm);

/** `pylock.toml` and `pylock.NAME.toml` (PEP 751). */
export const pylockExtractor: WholeFileExtractor = tomlLock(
  "pypi-pylock",
  /(?:^|\/)pylock(?:\.[^/.]+)?\.toml$/,
  "packages",
  pylock,
);

function tomlLock(id: string, path: RegExp, key: string, toLocked: (table: JsonObject) => Locked): WholeFileExtractor {
  return {
    kind: "whole",
    id,
    maxBytes: MAX_LOCK_BYTES,
    wants: (name) => (name.endsWith(".lock") || name.endsWith(".toml")) && path.test(name),
    read: (file) => readTomlLock(file, key, toLocked),
  };
}

function readTomlLock(file: WholeFile, key: string, toLocked: (table: JsonObject) => Locked): Extraction {
  const parsed = parseTomlObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const value = parsed.value[key];
  const tables = tablesOf(value, MAX_PACKAGES);
  if (tables === undefined)
    return { packages: [], problems: value === undefined ? [] : ["malformed: no list of packages"] };
  const problems =
    Array.isArray(value) && value.length > MAX_PACKAGES ? [`too-many-packages: more than ${MAX_PACKAGES}`] : [];
  return extractLocked(tables.map(toLocked), problems);
}

function poetry(table: JsonObject): Locked {
  const source = isObject(table["source"]) ? textOf(table["source"]["type"]) : undefined;
  const category = textOf(table["category"]);
  const groups = table["groups"];
  return {
    ...identityOf(table),
    elsewhere: source !== undefined && source !== "legacy",
    development: Array.isArray(groups) ? isOnlyDevelopment(groups, "main") : category === "dev",
    needs: isObject(table["dependencies"]) ? Object.keys(table["dependencies"]) : [],
  };
}

function pdm(table: JsonObject): Locked {
  const groups = table["groups"];
  return {
    ...identityOf(table),
    elsewhere: ["git", "hg", "svn", "bzr", "path", "url"].some((key) => table[key] !== undefined),
    development: Array.isArray(groups) && isOnlyDevelopment(groups, "default"),
    needs: textsOf(table["dependencies"]).map(requirementName),
  };
}

function pylock(table: JsonObject): Locked {
  const dependencies = table["dependencies"];
  return {
    ...identityOf(table),
    elsewhere: ["vcs", "directory", "archive"].some((key) => table[key] !== undefined),
    needs: namesOf(dependencies),
  };
}

/** Groups with `dev` in them and without the one that is always there; others are extras, which somebody may deploy. */
function isOnlyDevelopment(groups: readonly unknown[], main: string): boolean {
  return (
    !groups.includes(main) &&
    groups.length > 0 &&
    groups.every((group) => /^(?:dev|test|lint|docs?)/.test(String(group)))
  );
}

export function identityOf(table: JsonObject): Pick<Locked, "name" | "version"> {
  return { name: textOf(table["name"]) ?? "", version: textOf(table["version"], 256) };
}

/** Names of tables such as `{ name = "a", version = "1" }`. */
export function namesOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : []).flatMap((item: unknown) =>
    isObject(item) ? (textOf(item["name"]) ?? []) : [],
  );
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : []).filter((item) => typeof item === "string");
}
