import { interpolateTree, type Resolve } from "../interpolate.ts";
import type { Place, Problems } from "../problem.ts";
import { type MapNode, parseTree } from "../tree.ts";
import { applyExtends } from "./extends.ts";
import type { Files } from "./files.ts";
import { applyIncludes } from "./include.ts";
import { mergeTrees } from "./merge.ts";
import { createResolve, namesOf } from "./names.ts";
import { rebase } from "./paths.ts";

/** Bound of one application: files that `include` and `extends` bring in. */
const MAX_FILES = 100;
/** A file may be taken in several times, and what it includes with it: so often all together. */
const MAX_TIMES = 200;

export interface LoadInput {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
}

/** All files of an application as one tree, filled in and merged. */
export interface Loaded {
  readonly tree: MapNode;
  readonly resolve: Resolve;
}

/** Loads an application as compose does: each file is filled in, its `extends` and `include` followed, and later files merged over it. */
export async function loadFiles(input: LoadInput, problems: Problems, order: string[]): Promise<Loaded | undefined> {
  const trees = input.files.map((file) => ({ path: file.path, tree: parseTree(file, problems) }));
  const raws = trees.flatMap(({ path, tree }) => (tree === undefined ? [] : [{ path, tree }]));
  if (raws.length < trees.length) return undefined;
  const seen: MapNode[] = raws.map(({ tree }) => tree);
  const files = createFiles(input, problems, order, seen);
  const names = namesOf(seen);
  const finished: MapNode[] = [];
  for (const { path, tree } of raws)
    finished.push(await files.finish(tree, { path, folder: "", env: input.env, names, chain: [path] }));
  const tree = mergeTrees(finished, problems);
  return tree && { tree, resolve: createResolve(namesOf(seen), input.env) };
}

function createFiles(input: LoadInput, problems: Problems, order: string[], seen: MapNode[]): Files {
  const opened = new Map<string, MapNode | undefined>();
  let times = 0;
  const files: Files = {
    problems,
    read: input.read,
    async open(path, place) {
      if (opened.has(path)) return opened.get(path);
      const tree = opened.size < MAX_FILES ? await openFile(path, place, input, problems) : undefined;
      if (opened.size >= MAX_FILES) problems.add(place, "too-large", `more than ${MAX_FILES} files are brought in`);
      opened.set(path, tree);
      order.push(path);
      if (tree !== undefined) seen.push(tree);
      return tree;
    },
    async finish(raw, context) {
      if (++times > MAX_TIMES) {
        problems.add(raw.place, "too-large", `files are included more than ${MAX_TIMES} times`);
        return raw;
      }
      const resolve = createResolve(context.names, context.env);
      const filled = rebase(interpolateTree(raw, resolve, problems), context.folder);
      return applyIncludes(await applyExtends(filled, context, files), context, files);
    },
  };
  return files;
}

async function openFile(
  path: string,
  place: Place,
  input: LoadInput,
  problems: Problems,
): Promise<MapNode | undefined> {
  const bytes = await input.read(path);
  if (bytes === undefined) {
    problems.add(place, "missing-file", `the file ${path} cannot be read`);
    return undefined;
  }
  return parseTree({ path, text: new TextDecoder().decode(bytes) }, problems);
}
