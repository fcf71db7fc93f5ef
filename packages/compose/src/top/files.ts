import type { SecretSource } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import type { Place } from "../problem.ts";
import { readBoolean, readMap, readTemplate, readText } from "../read.ts";
import type { Scope } from "../scope.ts";
import { escapeDollars } from "../template.ts";
import type { Entry, Node } from "../tree.ts";

/** A config before its file was digested. */
export type ConfigDraft =
  | { readonly kind: "file"; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: "content"; readonly content: string };

/** Largest file mounted as a config, and largest content in the compose file, as the server accepts them. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
const MAX_CONTENT = 32 * 1024;

interface SourceDraft {
  file?: Node | undefined;
  content?: string | undefined;
  environment?: string | undefined;
  external?: boolean | undefined;
  name?: string | undefined;
}

const environment: Fields<SourceDraft>["readers"][string] = (draft, node, { problems }) => {
  draft.environment = readText(problems, node);
};
const file: Fields<SourceDraft>["readers"][string] = (draft, node) => {
  draft.file = node;
};

export const CONFIG_FIELDS: Fields<SourceDraft> = {
  readers: {
    file,
    environment,
    content: (draft, node, { problems }) => {
      draft.content = readTemplate(problems, node);
    },
  },
  refused: {
    external: "devices keep no configs of their own: give file or content",
    name: "configs have no name outside the app",
    labels: "files have no labels",
    template_driver: "only a swarm has it: put variables into content",
  },
};

/** `external: { name }`, as older files have it. */
export const EXTERNAL_FIELDS: Fields<SourceDraft> = {
  readers: {
    name: (draft, node, { problems }) => {
      draft.name = readText(problems, node);
    },
  },
  refused: {},
};

export const SECRET_FIELDS: Fields<SourceDraft> = {
  readers: {
    file,
    environment,
    external: (draft, node, scope) => {
      draft.external = node.kind === "map" ? true : readBoolean(scope.problems, node);
      if (node.kind === "map") readFields(node, EXTERNAL_FIELDS, draft, scope);
    },
    name: (draft, node, { problems }) => {
      draft.name = readText(problems, node);
    },
  },
  refused: {
    labels: "files have no labels",
    driver: "only a swarm has it",
    driver_opts: "only a swarm has it",
    template_driver: "only a swarm has it",
  },
};

/** One config under `configs:`: from a file, from `content`, or from the environment of `release create`. */
export function readConfig({ keyPlace, node }: Entry, scope: Scope): ConfigDraft | undefined {
  const draft: SourceDraft = {};
  const map = readMap(scope.problems, node);
  if (map === undefined) return undefined;
  const before = scope.problems.count;
  readFields(map, CONFIG_FIELDS, draft, scope);
  if (draft.content !== undefined) return { kind: "content", content: bounded(draft.content, keyPlace, scope) };
  if (draft.file !== undefined) return readConfigFile(draft.file, scope);
  if (draft.environment !== undefined) return readConfigEnvironment(draft.environment, keyPlace, scope);
  if (scope.problems.count === before)
    scope.problems.add(keyPlace, "missing-field", "a config needs file, content or environment");
  return undefined;
}

function readConfigFile(node: Node, scope: Scope): ConfigDraft | undefined {
  const path = readText(scope.problems, node);
  if (path === undefined) return undefined;
  const bytes = scope.files.get(path);
  if (bytes === undefined) {
    scope.problems.add(node.place, "missing-file", `the file ${path} cannot be read`);
    return undefined;
  }
  if (bytes.length > MAX_CONFIG_BYTES)
    scope.problems.add(node.place, "too-large", `${path} has ${bytes.length} bytes, the bound is ${MAX_CONFIG_BYTES}`);
  return { kind: "file", path, bytes };
}

function readConfigEnvironment(name: string, place: Place, scope: Scope): ConfigDraft | undefined {
  const found = scope.resolve(name);
  if (found.kind === "device") return { kind: "content", content: `\${${name}}` };
  if (found.kind === "value") return { kind: "content", content: bounded(escapeDollars(found.value), place, scope) };
  scope.problems.add(place, "unresolved-variable", `${name} has no value in the environment`);
  return undefined;
}

function bounded(content: string, place: Place, scope: Scope): string {
  if (content.length > MAX_CONTENT)
    scope.problems.add(
      place,
      "too-large",
      `the content has ${content.length} characters, the bound is ${MAX_CONTENT}: use file`,
    );
  return content;
}

/**
 * One secret under `secrets:`. Wherever it comes from on this machine, its value stays here: each device gets it from its variable of the
 * name that `environment` gives, else of the secret's own.
 */
export function readSecret(key: string, { keyPlace, node }: Entry, scope: Scope): SecretSource | undefined {
  const map = readMap(scope.problems, node);
  if (map === undefined) return undefined;
  const draft: SourceDraft = {};
  readFields(map, SECRET_FIELDS, draft, scope);
  if (draft.file === undefined && draft.environment === undefined && draft.external !== true && map.entries.size === 0)
    scope.problems.add(keyPlace, "missing-field", "a secret needs external: true, environment or file");
  const variable = draft.environment ?? (draft.name ?? key).replaceAll(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
  return { kind: "variable", variable };
}
