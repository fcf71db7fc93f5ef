import { type Fields, type HasProblems, readFields } from "../fields.ts";
import { interpolateTree } from "../interpolate.ts";
import type { Place, Problems } from "../problem.ts";
import { quote, readText } from "../read.ts";
import type { Entry, MapNode, Node } from "../tree.ts";
import { type FileContext, type Files, isLocal, mayFollow } from "./files.ts";
import { mergeServices, settleMap } from "./merge.ts";
import { createResolve, namesOf } from "./names.ts";
import { folderOf, joinPath, rebase } from "./paths.ts";

interface ExtendsDraft {
  service?: string | undefined;
  file?: string | undefined;
}

/** Fields of `extends:`. */
export const EXTENDS_FIELDS: Fields<ExtendsDraft, HasProblems> = {
  readers: {
    service: (draft, node, { problems }) => {
      draft.service = readText(problems, node);
    },
    file: (draft, node, { problems }) => {
      draft.file = readText(problems, node);
    },
  },
  refused: {},
};

/** The services of one file, and what that file is read with. */
interface Source {
  readonly services: MapNode;
  readonly context: FileContext;
}

/** `tree` with every service that extends another merged over it (compose-spec, 05-services.md, "extends"). */
export async function applyExtends(tree: MapNode, context: FileContext, files: Files): Promise<MapNode> {
  const services = tree.entries.get("services");
  if (services?.node.kind !== "map") return tree;
  const source: Source = { services: services.node, context };
  const entries = new Map<string, Entry>();
  for (const [name, entry] of services.node.entries)
    entries.set(name, { ...entry, node: await extended(name, entry.node, source, [], files) });
  const node: MapNode = { ...services.node, entries };
  return { ...tree, entries: new Map(tree.entries).set("services", { ...services, node }) };
}

async function extended(
  name: string,
  node: Node,
  source: Source,
  chain: readonly string[],
  files: Files,
): Promise<Node> {
  const entry = node.kind === "map" ? node.entries.get("extends") : undefined;
  if (node.kind !== "map" || entry === undefined) return node;
  const own = without(node);
  const { service, file } = readExtends(entry, files.problems);
  const here = `${source.context.path}: ${name}`;
  if (service === undefined || !mayFollow(chain, here, entry.keyPlace, files.problems)) return own;
  const from =
    file === undefined ? source : await openSource({ file, service, place: entry.node.place }, source.context, files);
  if (from === undefined) return own;
  const base = from.services.entries.get(service)?.node;
  if (base === undefined) {
    const where = file === undefined ? "" : ` in ${from.context.path}`;
    files.problems.add(entry.keyPlace, "unknown-reference", `there is no service ${quote(service)}${where} to extend`);
    return own;
  }
  const below = await extended(service, base, from, [...chain, here], files);
  return below.kind === "map" ? mergeServices(below, own, files.problems) : own;
}

function readExtends({ node, keyPlace }: Entry, problems: Problems): ExtendsDraft {
  if (node.kind !== "map") return { service: readText(problems, node) };
  const draft: ExtendsDraft = {};
  readFields(node, EXTENDS_FIELDS, draft, { problems });
  if (!node.entries.has("service")) problems.add(keyPlace, "missing-field", "extends needs service");
  return draft;
}

interface Wanted {
  readonly file: string;
  readonly service: string;
  readonly place: Place;
}

async function openSource(
  { file, service, place }: Wanted,
  context: FileContext,
  files: Files,
): Promise<Source | undefined> {
  if (!isLocal(file, place, files.problems)) return undefined;
  const path = joinPath(context.folder, file);
  const raw = await files.open(path, place);
  if (raw === undefined) return undefined;
  const names = namesOf([raw], context.names);
  const folder = folderOf(path);
  const services = onlyNeeded(raw, service);
  const filled = interpolateTree(services, createResolve(names, context.env), files.problems);
  const tree = settleMap(rebase(filled, folder));
  const map = tree.entries.get("services")?.node;
  if (map?.kind === "map") return { services: map, context: { ...context, path, folder, names } };
  files.problems.add(place, "unknown-reference", `${path} has no services`);
  return undefined;
}

/** Only the service and what it extends in its own file; what else stands there has no part in it, and may not be fit to be read. */
function onlyNeeded(raw: MapNode, service: string): MapNode {
  const services = raw.entries.get("services");
  if (services?.node.kind !== "map") return { ...raw, entries: new Map() };
  const entries = new Map<string, Entry>();
  for (let next: string | undefined = service; next !== undefined && !entries.has(next); ) {
    const entry: Entry | undefined = services.node.entries.get(next);
    if (entry === undefined) break;
    entries.set(next, entry);
    next = sameFileBase(entry.node);
  }
  return { ...raw, entries: new Map([["services", { ...services, node: { ...services.node, entries } }]]) };
}

function sameFileBase(service: Node): string | undefined {
  const value = service.kind === "map" ? service.entries.get("extends")?.node : undefined;
  const name = value?.kind === "map" && !value.entries.has("file") ? value.entries.get("service")?.node : value;
  return name?.kind === "scalar" && typeof name.value === "string" ? name.value : undefined;
}

function without(node: MapNode): MapNode {
  const entries = new Map(node.entries);
  entries.delete("extends");
  return { ...node, entries };
}
