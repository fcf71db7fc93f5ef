import { parseEnvFile } from "../env-file.ts";
import { type Fields, readFields } from "../fields.ts";
import { readBoolean, readChoice, readItems, readPairs, readText } from "../read.ts";
import type { Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A file named by `env_file:`. */
export interface EnvFile {
  readonly path: string;
  readonly required: boolean;
  readonly raw: boolean;
  readonly node: Node;
}

interface EnvFileDraft {
  path?: string | undefined;
  required?: boolean | undefined;
  format?: string | undefined;
}

export const ENV_FILE_FIELDS: Fields<EnvFileDraft> = {
  readers: {
    path: (draft, node, { problems }) => {
      draft.path = readText(problems, node);
    },
    required: (draft, node, { problems }) => {
      draft.required = readBoolean(problems, node);
    },
    format: (draft, node, { problems }) => {
      draft.format = readChoice(problems, node, ["raw"]);
    },
  },
  refused: {},
};

/** `env_file:`: one path, or a list of paths and of `{ path, required, format }`. */
export function readEnvFiles(node: Node, scope: Scope): readonly EnvFile[] {
  const items = node.kind === "map" ? [node] : readItems(scope.problems, node, "one-or-list");
  return items.flatMap((item) => {
    const draft: EnvFileDraft = {};
    if (item.kind === "map") readFields(item, ENV_FILE_FIELDS, draft, scope);
    else draft.path = readText(scope.problems, item);
    if (draft.path !== undefined)
      return [{ path: draft.path, required: draft.required ?? true, raw: draft.format === "raw", node: item }];
    if (item.kind === "map" && !item.entries.has("path"))
      scope.problems.add(item.place, "missing-field", "an env_file needs path");
    return [];
  });
}

/** The values of the files in order, later ones winning. Values are templates. */
export function loadEnvFiles(files: readonly EnvFile[], scope: Scope): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const file of files) {
    const bytes = scope.files.get(file.path);
    if (bytes === undefined) {
      if (file.required) scope.problems.add(file.node.place, "missing-file", `the file ${file.path} cannot be read`);
      continue;
    }
    const text = new TextDecoder().decode(bytes);
    Object.assign(result, parseEnvFile({ path: file.path, text, raw: file.raw }, scope.resolve, scope.problems));
  }
  return result;
}

/** `environment:` as templates. A key without a value is filled by the device from its variable of that name. */
export function readEnvironment(node: Node, scope: Scope): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const { key, value, place } of readPairs(scope.problems, node)) {
    if (value !== undefined) {
      result[key] = value;
    } else if (ENV_NAME.test(key)) {
      result[key] = `\${${key}}`;
      if (!scope.variables.has(key)) scope.variables.set(key, {});
    } else {
      scope.problems.add(
        place,
        "bad-value",
        `${key} has no value and cannot be a variable: names have letters, digits and _`,
      );
    }
  }
  return result;
}

/** Names of `environment:` keys without a value, before anything is filled in. */
export function valuelessNames(node: Node): readonly string[] {
  if (node.kind === "map")
    return [...node.entries].flatMap(([key, { node: value }]) =>
      value.kind === "scalar" && value.value === null ? [key] : [],
    );
  if (node.kind !== "list") return [];
  return node.items.flatMap((item) =>
    item.kind === "scalar" && typeof item.value === "string" && ENV_NAME.test(item.value) ? [item.value] : [],
  );
}
