import type { Extraction, FoundPackage, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { goPurl, isModulePath } from "./purl.ts";

const MAX_MOD_BYTES = 4 * 1024 * 1024;
const MAX_LINES = 100_000;
const MAX_LINE_LENGTH = 4096;

/** `go.mod`: what it requires, after its replacements. Module caches, the Go distribution itself and test data are not the artifact's own. */
export const modFileExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "go-mod",
  maxBytes: MAX_MOD_BYTES,
  wants: (path) =>
    path.endsWith("go.mod") &&
    /(?:^|\/)go\.mod$/.test(path) &&
    !/(?:^|\/)(?:pkg\/mod|testdata|vendor)\//.test(path) &&
    !/(?:^|\/)(?:local|lib)\/go(?:-[\d.]+)?\/src\//.test(path),
  read: readModFile,
};

interface Required {
  readonly version: string;
  readonly indirect: boolean;
  readonly line: number;
}

interface Replacement {
  /** Undefined: a folder, which has no version. */
  readonly path: string | undefined;
  readonly version: string;
}

interface ModFile {
  readonly required: Map<string, Required>;
  /** By `path` and by `path@version`. */
  readonly replaced: Map<string, Replacement>;
  readonly problems: string[];
}

function readModFile(file: WholeFile): Extraction {
  const mod: ModFile = { required: new Map(), replaced: new Map(), problems: [] };
  const lines = file.bytes.toString("utf8").split("\n", MAX_LINES);
  let block: string | undefined;
  lines.forEach((raw, index) => {
    if (raw.length > MAX_LINE_LENGTH) {
      mod.problems.push(`too-long: line ${index + 1} has ${raw.length} characters`);
      return;
    }
    const [code = "", comment = ""] = raw.split("//", 2);
    const text = code.trim();
    if (text === "") return;
    if (text === ")") {
      block = undefined;
      return;
    }
    const opening = /^(\w+)\s*\($/.exec(text);
    if (opening !== null) {
      block = opening[1];
      return;
    }
    const [, verb, rest] = block === undefined ? (/^(\w+)\s+(.*)$/.exec(text) ?? []) : ["", block, text];
    readDirective(mod, {
      verb: verb ?? "",
      text: rest ?? "",
      indirect: /^\s*indirect\b/.test(comment),
      line: index + 1,
    });
  });
  return packagesOf(mod);
}

interface Directive {
  readonly verb: string;
  readonly text: string;
  readonly indirect: boolean;
  readonly line: number;
}

function readDirective(mod: ModFile, { verb, text, indirect, line }: Directive): void {
  const words = text.split(/\s+/).map((word) => word.replace(/^["`](.*)["`]$/, "$1"));
  if (verb === "require") {
    const [path = "", version = ""] = words;
    if (isModulePath(path) && /^v\d/.test(version)) mod.required.set(path, { version, indirect, line });
    else mod.problems.push(`malformed: line ${line} is no requirement`);
  } else if (verb === "replace") {
    const arrow = words.indexOf("=>");
    const [path, version] = words.slice(0, Math.max(0, arrow));
    const [newPath = "", newVersion] = words.slice(arrow + 1);
    if (arrow < 1 || path === undefined) mod.problems.push(`malformed: line ${line} replaces nothing`);
    else
      mod.replaced.set(version === undefined ? path : `${path}@${version}`, {
        path: newVersion === undefined || !isModulePath(newPath) ? undefined : newPath,
        version: newVersion ?? "",
      });
  }
}

function packagesOf(mod: ModFile): Extraction {
  const packages: FoundPackage[] = [];
  const folders: string[] = [];
  for (const [path, required] of mod.required) {
    const replacement = mod.replaced.get(`${path}@${required.version}`) ?? mod.replaced.get(path);
    const name = replacement === undefined ? path : replacement.path;
    if (name === undefined) {
      folders.push(path);
      continue;
    }
    const version = replacement?.version ?? required.version;
    packages.push({
      purl: goPurl(name, version),
      name,
      version,
      evidence: "declared",
      direct: !required.indirect,
      line: required.line,
    });
  }
  const local =
    folders.length === 0
      ? []
      : [`no-version: ${folders.length} replaced by a folder: ${folders.slice(0, 5).join(", ")}`];
  return { packages, problems: [...mod.problems, ...local] };
}
