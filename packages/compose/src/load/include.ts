import { plainEnvFile } from "../env-file.ts";
import { type Fields, type HasProblems, readFields } from "../fields.ts";
import type { Place } from "../problem.ts";
import { readItems, readText } from "../read.ts";
import type { Entry, MapNode, Node } from "../tree.ts";
import { type FileContext, type Files, isLocal, mayFollow } from "./files.ts";
import { mergeTrees } from "./merge.ts";
import { namesOf } from "./names.ts";
import { folderOf, joinPath } from "./paths.ts";

interface IncludeDraft {
  path?: readonly string[];
  envFile?: readonly string[];
  projectDirectory?: string | undefined;
}

type Reader = Fields<IncludeDraft, HasProblems>["readers"][string];

const paths =
  (key: "path" | "envFile"): Reader =>
  (draft, node, { problems }) => {
    draft[key] = readItems(problems, node, "one-or-list")
      .map((item) => readText(problems, item))
      .filter((text) => text !== undefined);
  };

/** Fields of one entry of `include:`. */
export const INCLUDE_FIELDS: Fields<IncludeDraft, HasProblems> = {
  readers: {
    path: paths("path"),
    env_file: paths("envFile"),
    project_directory: (draft, node, { problems }) => {
      draft.projectDirectory = readText(problems, node);
    },
  },
  refused: {},
};

const SECTIONS = ["services", "networks", "volumes", "configs", "secrets", "x-flotilla"] as const;

/** `tree` with what it includes (compose-spec, 14-include.md): the same name with something else under it is a conflict. */
export async function applyIncludes(tree: MapNode, context: FileContext, files: Files): Promise<MapNode> {
  const include = tree.entries.get("include");
  if (include === undefined) return tree;
  const entries = new Map(tree.entries);
  entries.delete("include");
  let result: MapNode = { ...tree, entries };
  for (const item of readItems(files.problems, include.node)) {
    const included = await includeOne(item, context, files);
    if (included !== undefined) result = imported(result, included, item.place, files);
  }
  return result;
}

async function includeOne(item: Node, context: FileContext, files: Files): Promise<MapNode | undefined> {
  const draft: IncludeDraft = {};
  const { problems } = files;
  if (item.kind === "map") readFields(item, INCLUDE_FIELDS, draft, { problems });
  else paths("path")(draft, item, { problems });
  const [first, ...others] = (draft.path ?? []).map((path) => joinPath(context.folder, path));
  if (first === undefined) {
    if (item.kind === "map" && !item.entries.has("path"))
      problems.add(item.place, "missing-field", "an include needs path");
    return undefined;
  }
  const remote = draft.path?.some((path) => !isLocal(path, item.place, problems)) === true;
  if (remote || !mayFollow(context.chain, first, item.place, problems)) return undefined;
  const folder =
    draft.projectDirectory === undefined ? folderOf(first) : joinPath(context.folder, draft.projectDirectory);
  const raws: { readonly path: string; readonly tree: MapNode }[] = [];
  for (const path of [first, ...others]) {
    const tree = await files.open(path, item.place);
    if (tree !== undefined) raws.push({ path, tree });
  }
  const env = await environment(draft.envFile, folder, item.place, context, files);
  const names = namesOf(
    raws.map(({ tree }) => tree),
    context.names,
  );
  const finished: MapNode[] = [];
  for (const { path, tree } of raws)
    finished.push(
      await files.finish(tree, {
        path,
        folder: folder === "." ? "" : folder,
        env,
        names,
        chain: [...context.chain, first],
      }),
    );
  return mergeTrees(finished, problems);
}

/** The environment of the including file, and of the files that are named, or of `.env` beside the included one. */
async function environment(
  named: readonly string[] | undefined,
  folder: string,
  place: Place,
  context: FileContext,
  { read, problems }: Files,
): Promise<FileContext["env"]> {
  const all = named?.map((path) => joinPath(context.folder, path)) ?? [joinPath(folder, ".env")];
  let values: Readonly<Record<string, string>> = {};
  for (const path of all) {
    const bytes = await read(path);
    if (bytes === undefined) {
      if (named !== undefined) problems.add(place, "missing-file", `the file ${path} cannot be read`);
      continue;
    }
    const text = new TextDecoder().decode(bytes);
    values = { ...values, ...plainEnvFile({ path, text }, { ...values, ...context.env }, problems) };
  }
  return { ...values, ...context.env };
}

function imported(tree: MapNode, included: MapNode, place: Place, { problems }: Files): MapNode {
  const entries = new Map(tree.entries);
  for (const section of SECTIONS) {
    const from = included.entries.get(section);
    if (from?.node.kind !== "map") continue;
    const to = entries.get(section);
    if (to?.node.kind !== "map") entries.set(section, from);
    else if (section === "x-flotilla") entries.set(section, { ...to, node: union(from.node, to.node) });
    else {
      const both = new Map(to.node.entries);
      for (const [name, entry] of from.node.entries) {
        const there = both.get(name);
        if (there === undefined) both.set(name, entry);
        else if (!isSame(there.node, entry.node))
          problems.add(
            place,
            "bad-value",
            `${section}.${name} stands here too, and is another one: rename one of them`,
          );
      }
      entries.set(section, { ...to, node: { ...to.node, entries: both } });
    }
  }
  return { ...tree, entries };
}

/** Variables of both files; where both declare one, the including file's stands. */
function union(from: MapNode, to: MapNode): MapNode {
  const entries = new Map<string, Entry>([...from.entries, ...to.entries]);
  const [a, b] = [from.entries.get("variables"), to.entries.get("variables")];
  if (a !== undefined && b !== undefined) {
    const [below, above] = [named(a.node), named(b.node)];
    if (below !== undefined && above !== undefined)
      entries.set("variables", { ...b, node: { ...above, entries: new Map([...below.entries, ...above.entries]) } });
  }
  return { ...to, entries };
}

function named(node: Node): MapNode | undefined {
  if (node.kind === "map") return node;
  if (node.kind === "scalar") return undefined;
  const entries = node.items.flatMap((item): [string, Entry][] =>
    item.kind === "scalar" && typeof item.value === "string"
      ? [[item.value, { keyPlace: item.place, node: { kind: "scalar", place: item.place, value: null, source: "" } }]]
      : [],
  );
  return { kind: "map", place: node.place, entries: new Map(entries) };
}

function isSame(a: Node, b: Node): boolean {
  if (a.kind === "scalar" && b.kind === "scalar") return a.value === b.value && a.template === b.template;
  if (a.kind === "list" && b.kind === "list")
    return a.items.length === b.items.length && a.items.every((item, at) => isSame(item, b.items[at] ?? item));
  if (a.kind !== "map" || b.kind !== "map" || a.entries.size !== b.entries.size) return false;
  return [...a.entries].every(([key, { node }]) => {
    const other = b.entries.get(key)?.node;
    return other !== undefined && isSame(node, other);
  });
}
