import { isObject, type JsonObject } from "../../json.ts";
import { parseTomlObject, tablesOf } from "../../toml.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { reachable } from "../reach.ts";
import { extractLocked } from "./graph.ts";
import { identityOf, namesOf } from "./toml-locks.ts";

const MAX_LOCK_BYTES = 16 * 1024 * 1024;
const MAX_PACKAGES = 50_000;

/** `uv.lock`: the project's own folders are among the packages, so it tells what is direct and what is for development. */
export const uvExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "pypi-uv",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("uv.lock") && /(?:^|\/)uv\.lock$/.test(path),
  read: readUv,
};

interface Node {
  readonly name: string;
  readonly version: string | undefined;
  readonly isOwn: boolean;
  readonly elsewhere: boolean;
  readonly needs: readonly string[];
  readonly development: readonly string[];
}

function readUv(file: WholeFile): Extraction {
  const parsed = parseTomlObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const tables = tablesOf(parsed.value["package"], MAX_PACKAGES);
  if (tables === undefined) return { packages: [], problems: ["malformed: no list of packages"] };
  const nodes = tables.map(nodeOf);
  const needs = new Map<string, string[]>();
  for (const node of nodes) {
    const known = needs.get(node.name) ?? [];
    needs.set(node.name, known);
    for (const need of node.needs) known.push(need);
  }
  const own = nodes.filter(({ isOwn }) => isOwn);
  const production = new Set(own.flatMap((node) => node.needs));
  const development = new Set(own.flatMap((node) => node.development));
  const needsOf = (name: string) => needs.get(name) ?? [];
  const used = reachable(production, needsOf);
  const usedInDevelopment = reachable(development, needsOf);
  return extractLocked(
    nodes
      .filter(({ isOwn }) => !isOwn)
      .map((node) => ({
        ...node,
        development: !used.has(node.name) && usedInDevelopment.has(node.name),
        direct: production.has(node.name) || development.has(node.name),
      })),
    tables.length === MAX_PACKAGES ? [`too-many-packages: more than ${MAX_PACKAGES}`] : [],
  );
}

function nodeOf(table: JsonObject): Node {
  const source = isObject(table["source"]) ? table["source"] : {};
  const optional = isObject(table["optional-dependencies"]) ? Object.values(table["optional-dependencies"]) : [];
  const development = isObject(table["dev-dependencies"]) ? Object.values(table["dev-dependencies"]) : [];
  return {
    ...identityOf(table),
    isOwn: source["editable"] !== undefined || source["virtual"] !== undefined,
    elsewhere: source["registry"] === undefined,
    needs: [...namesOf(table["dependencies"]), ...optional.flatMap(namesOf)],
    development: development.flatMap(namesOf),
  };
}
