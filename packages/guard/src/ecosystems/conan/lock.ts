import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import { formatPurl } from "../../purl.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";

const MAX_LOCK_BYTES = 8 * 1024 * 1024;

/** `conan.lock` of Conan 1 (a graph) and 2 (lists). */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "conan-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("conan.lock") && /(?:^|\/)conan\.lock$/.test(path),
  read: readLock,
};

function readLock(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const gathering = createGathering();
  const graph = parsed.value["graph_lock"];
  if (isObject(graph) && isObject(graph["nodes"])) readGraph(graph["nodes"], gathering);
  else if (["requires", "build_requires", "python_requires"].some((key) => Array.isArray(parsed.value[key])))
    readLists(parsed.value, gathering);
  else gathering.problem("malformed: neither lists nor a graph of packages");
  return gathering.extraction();
}

/** Conan 2. What is only needed to build is for development. */
function readLists(lock: JsonObject, gathering: Gathering): void {
  for (const [key, development] of [
    ["requires", false],
    ["build_requires", true],
    ["python_requires", true],
  ] as const) {
    const list = lock[key];
    for (const item of Array.isArray(list) ? list : []) add(textOf(item) ?? "", { development }, gathering);
  }
}

/** Conan 1: node `0`, or one with a path, is the project itself. */
function readGraph(nodes: JsonObject, gathering: Gathering): void {
  const direct = new Set(Object.values(nodes).filter(isOwn).flatMap(needsOf));
  for (const [key, node] of Object.entries(nodes)) {
    if (!isObject(node) || isOwn(node)) continue;
    const by = add(
      textOf(node["ref"]) ?? "",
      { direct: direct.has(key), development: node["context"] === "build" },
      gathering,
    );
    for (const need of needsOf(node)) {
      const needed = nodes[need];
      const identity = isObject(needed) ? parseReference(textOf(needed["ref"]) ?? "") : undefined;
      if (by !== undefined && identity !== undefined) gathering.requires(by, purlOf(identity));
    }
  }
}

function isOwn(node: unknown): boolean {
  return isObject(node) && (node["path"] !== undefined || node["ref"] === undefined);
}

function needsOf(node: unknown): string[] {
  if (!isObject(node)) return [];
  return [node["requires"], node["build_requires"]].flatMap((list) =>
    (Array.isArray(list) ? list : []).filter((need) => typeof need === "string"),
  );
}

interface Identity {
  readonly name: string;
  readonly version: string;
}

/** `name/version[@user/channel][#revision[%time]][:package]`. */
function parseReference(reference: string): Identity | undefined {
  const [, name, version] =
    /^([a-z0-9_][a-z0-9_+.-]{1,100})\/([A-Za-z0-9_][\w+.-]{0,100})(?:[@#:%].*)?$/.exec(reference) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}

function purlOf({ name, version }: Identity): string {
  return formatPurl({ type: "conan", name, version });
}

function add(
  reference: string,
  { direct, development }: { readonly direct?: boolean; readonly development: boolean },
  gathering: Gathering,
): string | undefined {
  const identity = parseReference(reference);
  if (identity === undefined) {
    gathering.malformed(reference);
    return undefined;
  }
  const purl = purlOf(identity);
  gathering.add({
    purl,
    ...identity,
    ...(development ? { development } : {}),
    ...(direct === undefined ? {} : { direct }),
  });
  return purl;
}
