import type { Extraction, FoundPackage, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { isDistributionName, normaliseName, pypiPurl } from "./purl.ts";

const MAX_REQUIREMENTS_BYTES = 8 * 1024 * 1024;
const MAX_LINES = 100_000;
const MAX_LINE_LENGTH = 64 * 1024;

/** pip's requirements files (pip documentation, "Requirements File Format"): what is pinned is declared, what is not is a problem. */
export const requirementsExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "pypi-requirements",
  maxBytes: MAX_REQUIREMENTS_BYTES,
  wants: isRequirements,
  read: readRequirements,
};

/** `requirements-dev.txt`, `requirements/base.txt`. */
function isRequirements(path: string): boolean {
  if (!path.endsWith(".txt")) return false;
  const [name = "", folder = ""] = path.split("/").slice(-2).reverse();
  if (folder.endsWith("-info")) return false;
  return folder === "requirements" || name.toLowerCase().includes("requirements");
}

function readRequirements(file: WholeFile): Extraction {
  const packages: FoundPackage[] = [];
  const includes: string[] = [];
  const unpinned: string[] = [];
  const constraints: string[] = [];
  const problems: string[] = [];
  for (const { text, line } of logicalLines(file.bytes.toString("utf8"), problems)) {
    const requirement = parseRequirement(text);
    switch (requirement.kind) {
      case "include":
        includes.push(resolveBeside(file.path, requirement.path));
        break;
      case "pinned":
        packages.push(pinnedPackage(requirement.name, requirement.version, line));
        break;
      case "unpinned":
        unpinned.push(requirement.what);
        break;
      case "bad":
        problems.push(`malformed: line ${line} is no requirement`);
        break;
      case "constraints":
        constraints.push(requirement.path);
        break;
      case "option":
        break;
    }
  }
  if (unpinned.length > 0)
    problems.push(`no-version: ${unpinned.length} without an exact version: ${unpinned.slice(0, 5).join(", ")}`);
  if (constraints.length > 0 && unpinned.length > 0)
    problems.push(`not-applied: constraints that may give these a version: ${constraints.slice(0, 5).join(", ")}`);
  return { packages, problems, includes };
}

function pinnedPackage(rawName: string, version: string, line: number): FoundPackage {
  const name = normaliseName(rawName);
  return { purl: pypiPurl(name, version), name, version, evidence: "declared", direct: true, line };
}

/** Lines without comments, joined where a backslash ends them, with the number of the first. */
function* logicalLines(text: string, problems: string[]): Generator<{ text: string; line: number }> {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) problems.push(`too-long: more than ${MAX_LINES} lines`);
  let joined = "";
  let first = 0;
  for (let index = 0; index < Math.min(lines.length, MAX_LINES); index++) {
    const line = lines[index] ?? "";
    if (joined === "") first = index + 1;
    const continues = line.endsWith("\\") && !/^\s*#/.test(line);
    if (joined.length + line.length <= MAX_LINE_LENGTH) joined += continues ? `${line.slice(0, -1)} ` : line;
    if (continues) continue;
    const bare = joined.replace(/(?:^|\s)#.*$/, "").trim();
    joined = "";
    if (bare !== "") yield { text: bare, line: first };
  }
}

type Requirement =
  | { readonly kind: "pinned"; readonly name: string; readonly version: string }
  | { readonly kind: "unpinned"; readonly what: string }
  | { readonly kind: "include"; readonly path: string }
  | { readonly kind: "constraints"; readonly path: string }
  | { readonly kind: "option" }
  | { readonly kind: "bad" };

/** PEP 508 name and extras; what follows is a version specifier, `@ url`, a marker, or options such as `--hash`. */
const NAMED = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]{0,500}\])?\s*(.*)$/s;

function parseRequirement(text: string): Requirement {
  const include = fileOf(text, ["--requirement", "-r"]);
  if (include !== undefined) return { kind: "include", path: include };
  const constraints = fileOf(text, ["--constraint", "-c"]);
  if (constraints !== undefined) return { kind: "constraints", path: withoutCredentials(constraints).slice(0, 80) };
  if (/^(?:-e|--editable)\b/.test(text)) return { kind: "unpinned", what: text.slice(0, 80) };
  if (text.startsWith("-")) return { kind: "option" };
  if (/^[\w+.-]+:\/\/|^\.{0,2}\//.test(text)) return { kind: "unpinned", what: withoutCredentials(text).slice(0, 80) };
  const named = NAMED.exec(text);
  if (named?.[1] === undefined || !isDistributionName(named[1])) return { kind: "bad" };
  const specifier = (named[2] ?? "").split(/;|\s--/, 1)[0]?.trim() ?? "";
  const version = pinOf(specifier);
  return version === undefined ? { kind: "unpinned", what: named[1] } : { kind: "pinned", name: named[1], version };
}

/** The file of `-r FILE`, `-rFILE`, `--requirement FILE` or `--requirement=FILE`. */
function fileOf(text: string, names: readonly string[]): string | undefined {
  const option = names.find((name) => text.startsWith(name));
  if (option === undefined) return undefined;
  const path = text.slice(option.length).trim().replace(/^=/, "").trim();
  const bare = /^(["']).*\1$/.test(path) ? path.slice(1, -1) : path;
  return bare === "" || bare.startsWith("-") ? undefined : bare;
}

/** The version of a specifier that allows exactly one (PEP 440 `==` without a wildcard, or `===`). */
function pinOf(specifier: string): string | undefined {
  const inner = specifier.startsWith("(") && specifier.endsWith(")") ? specifier.slice(1, -1) : specifier;
  for (const clause of inner.split(",")) {
    const version = /^\s*={2,3}\s*([A-Za-z0-9.!+_-]{1,100})\s*$/.exec(clause)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@\s]*@/, "//");
}

function resolveBeside(file: string, include: string): string {
  const parts = file.split("/").slice(0, -1);
  for (const part of include.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
