import type { Service } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { quote, readInteger, readItems, readMap, readTemplate, readTemplates, readText, readTextMap } from "../read.ts";
import type { Scope } from "../scope.ts";
import { splitTemplate } from "../template.ts";
import type { MapNode, Node } from "../tree.ts";

type Device = Service["devices"][number];

interface DeviceDraft {
  source?: string | undefined;
  target?: string | undefined;
  permissions?: string | undefined;
}

export const DEVICE_FIELDS: Fields<DeviceDraft> = {
  readers: {
    source: (draft, node, { problems }) => {
      draft.source = readTemplate(problems, node);
    },
    target: (draft, node, { problems }) => {
      draft.target = readTemplate(problems, node);
    },
    permissions: (draft, node, { problems }) => {
      draft.permissions = readText(problems, node);
    },
  },
  refused: {},
};

/** `devices:`: `source[:target[:rwm]]` or the long form. */
export function readDevices(node: Node, scope: Scope): readonly Device[] {
  return readItems(scope.problems, node).flatMap((item) => {
    const draft = readDevice(item, scope);
    if (draft?.source === undefined) return [];
    const { source, target = source, permissions = "rwm" } = draft;
    if (/^[/$]/.test(source) && /^[/$]/.test(target) && /^[rwm]{1,3}$/.test(permissions))
      return [{ source, target, permissions }];
    scope.problems.add(
      item.place,
      "bad-value",
      `expected /dev/source[:/dev/target[:rwm]], found ${quote([source, target, permissions].join(":"))}`,
    );
    return [];
  });
}

function readDevice(item: Node, scope: Scope): DeviceDraft | undefined {
  if (item.kind === "map") {
    const draft: DeviceDraft = {};
    readFields(item, DEVICE_FIELDS, draft, scope);
    if (!item.entries.has("source")) scope.problems.add(item.place, "missing-field", "a device needs source");
    return draft;
  }
  const text = readTemplate(scope.problems, item);
  if (text === undefined) return undefined;
  const [source, target, permissions, ...rest] = splitTemplate(text, ":");
  if (rest.length === 0) return { source, target, permissions };
  scope.problems.add(item.place, "bad-value", `expected source[:target[:rwm]], found ${quote(text)}`);
  return undefined;
}

/** `tmpfs:`: one or several `target[:options]`. */
export function readTmpfs(node: Node, scope: Scope): Service["tmpfs"] {
  return readItems(scope.problems, node, "one-or-list").flatMap((item) => {
    const text = readTemplate(scope.problems, item);
    if (text === undefined) return [];
    const [target = "", options, ...rest] = splitTemplate(text, ":");
    if (target.startsWith("/") && rest.length === 0) return [{ target, ...(options === undefined ? {} : { options }) }];
    scope.problems.add(item.place, "bad-value", `expected an absolute path[:options], found ${quote(text)}`);
    return [];
  });
}

const MAX_ULIMIT = Number.MAX_SAFE_INTEGER;

interface UlimitDraft {
  soft?: number | undefined;
  hard?: number | undefined;
}

export const ULIMIT_FIELDS: Fields<UlimitDraft> = {
  readers: {
    soft: (draft, node, { problems }) => {
      draft.soft = readInteger(problems, node, -1, MAX_ULIMIT);
    },
    hard: (draft, node, { problems }) => {
      draft.hard = readInteger(problems, node, -1, MAX_ULIMIT);
    },
  },
  refused: {},
};

/** `ulimits:`: one number for both, or `{ soft, hard }`. */
export function readUlimits(node: Node, scope: Scope): NonNullable<Service["ulimits"]> {
  const result: Record<string, { soft: number; hard: number }> = {};
  for (const [name, { node: value }] of readMap(scope.problems, node)?.entries ?? []) {
    const draft: UlimitDraft = {};
    if (value.kind === "map") readFields(value, ULIMIT_FIELDS, draft, scope);
    else draft.soft = draft.hard = readInteger(scope.problems, value, -1, MAX_ULIMIT);
    if (draft.soft !== undefined && draft.hard !== undefined) result[name] = { soft: draft.soft, hard: draft.hard };
    else if (value.kind === "map") scope.problems.add(value.place, "missing-field", "a ulimit needs soft and hard");
  }
  return result;
}

/** `extra_hosts:` as `name=address`; compose also takes `name:address` and a mapping to one or several. */
export function readExtraHosts(node: Node, scope: Scope): readonly string[] {
  return [...new Set(node.kind === "map" ? hostMap(node, scope) : hostList(node, scope))];
}

function hostMap(map: MapNode, { problems }: Scope): readonly string[] {
  return [...map.entries].flatMap(([name, { node: addresses }]) =>
    readTemplates(problems, addresses, "one-or-list").map((address) => `${name}=${address}`),
  );
}

function hostList(node: Node, { problems }: Scope): readonly string[] {
  return readItems(problems, node).flatMap((item) => {
    const text = readTemplate(problems, item);
    const match = text === undefined ? null : /^([^=:\s]+)[=:](\S+)$/.exec(text);
    if (match !== null) return [`${match[1]}=${match[2]}`];
    if (text !== undefined) problems.add(item.place, "bad-value", `expected name=address, found ${quote(text)}`);
    return [];
  });
}

interface LoggingDraft {
  driver?: string | undefined;
  options?: Readonly<Record<string, string>> | undefined;
}

export const LOGGING_FIELDS: Fields<LoggingDraft> = {
  readers: {
    driver: (draft, node, { problems }) => {
      draft.driver = readText(problems, node);
    },
    options: (draft, node, { problems }) => {
      draft.options = readTextMap(problems, node);
    },
  },
  refused: {},
};

/** `logging:`; without a driver the engine's common one. */
export function readLogging(node: Node, scope: Scope): NonNullable<Service["logging"]> {
  const draft: LoggingDraft = {};
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, LOGGING_FIELDS, draft, scope);
  return { driver: draft.driver ?? "json-file", options: draft.options ?? {} };
}
