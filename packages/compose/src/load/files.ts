import type { DeviceNames } from "../flotilla.ts";
import type { Place, Problems } from "../problem.ts";
import type { MapNode } from "../tree.ts";

/** How deep files may lead to each other. */
const MAX_CHAIN = 20;

/** What a file is read with. Paths in it are relative to `folder`, which is relative to the project's. */
export interface FileContext {
  readonly path: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly names: DeviceNames;
  /** Files that led here by `include`, from the first. */
  readonly chain: readonly string[];
}

/** What `include` and `extends` need of the loading. */
export interface Files {
  readonly problems: Problems;
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
  /** The tree of another file, as it stands there; what is wrong with it is a problem at `place`. */
  open(path: string, place: Place): Promise<MapNode | undefined>;
  /** Fills a tree in, follows its `extends` and takes in what it includes. */
  finish(raw: MapNode, context: FileContext): Promise<MapNode>;
}

/** Whether `path` may be brought in after the files of `chain`; a problem when it led here itself, or the chain is too long. */
export function mayFollow(chain: readonly string[], path: string, place: Place, problems: Problems): boolean {
  const circle = chain.includes(path);
  if (circle) problems.add(place, "dependency-cycle", `${[...chain, path].join(" → ")} bring each other in`);
  else if (chain.length >= MAX_CHAIN)
    problems.add(place, "too-large", `files lead to each other over ${MAX_CHAIN} deep`);
  return !circle && chain.length < MAX_CHAIN;
}

/** A path that is no address of something remote; those are not fetched for a release. */
export function isLocal(path: string, place: Place, problems: Problems): boolean {
  if (!/^(?:[a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/)/i.test(path)) return true;
  problems.add(
    place,
    "unsupported-field",
    "only files of this machine are brought in: fetch it first and name the file",
  );
  return false;
}
