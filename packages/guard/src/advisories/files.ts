import { type Dirent, lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CodedError, messageOf } from "@flotilla/base/errors";

const MAX_DEPTH = 12;

export interface FoundFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/**
 * The `.json`, `.zip` and `.csv` files under `path` in the order of their names, or `path` itself when it is a file. Links and dot files are
 * passed over; unreadable folders are reported. Throws `import-missing` when there is nothing at `path`.
 */
export function* walk(path: string, onProblem: (path: string, reason: string) => void): Generator<FoundFile> {
  let root: ReturnType<typeof statSync>;
  try {
    root = statSync(path);
  } catch (error) {
    throw new CodedError("import-missing", `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (root.isFile()) yield { path, sizeBytes: root.size, modifiedMs: root.mtimeMs };
  else yield* walkFolder(path, 0, onProblem);
}

function* walkFolder(
  folder: string,
  depth: number,
  onProblem: (path: string, reason: string) => void,
): Generator<FoundFile> {
  if (depth > MAX_DEPTH) return onProblem(folder, `too-deep: folders below depth ${MAX_DEPTH} are not read`);
  for (const entry of entriesOf(folder, onProblem)) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walkFolder(path, depth + 1, onProblem);
    else if (entry.isFile() && /\.(?:json|zip|csv|csv\.gz)$/.test(entry.name)) {
      const { size, mtimeMs } = lstatSync(path);
      yield { path, sizeBytes: size, modifiedMs: mtimeMs };
    }
  }
}

function entriesOf(folder: string, onProblem: (path: string, reason: string) => void): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    onProblem(folder, `unreadable: ${messageOf(error)}`);
    return [];
  }
}
