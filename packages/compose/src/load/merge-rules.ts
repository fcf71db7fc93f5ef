import { escapeDollars, plainText, splitTemplate } from "../template.ts";
import type { Entry, ListNode, MapNode, Node, ScalarNode } from "../tree.ts";

/** How items of two lists are told to be the same one. */
export type ListRule = "list" | "texts" | "text" | "sequence" | "targets" | "tmpfs" | "configs" | "secrets";

/** How a field is merged; `list` is what everything without a rule of its own does. */
export type MergeRule =
  | Exclude<ListRule, "text">
  | "replace"
  | "pairs"
  | "names"
  | "dependencies"
  | "hosts"
  | "logging"
  | "subnets";

/** By path, with `*` for a name. */
const RULES: Readonly<Record<string, MergeRule>> = {
  "services.*.annotations": "pairs",
  "services.*.cap_add": "texts",
  "services.*.cap_drop": "texts",
  "services.*.command": "replace",
  "services.*.configs": "configs",
  "services.*.depends_on": "dependencies",
  "services.*.deploy.labels": "pairs",
  "services.*.devices": "targets",
  "services.*.dns": "sequence",
  "services.*.dns_opt": "sequence",
  "services.*.dns_search": "sequence",
  "services.*.entrypoint": "replace",
  "services.*.env_file": "sequence",
  "services.*.environment": "pairs",
  "services.*.expose": "texts",
  "services.*.extra_hosts": "hosts",
  "services.*.healthcheck.test": "replace",
  "services.*.label_file": "sequence",
  "services.*.labels": "pairs",
  "services.*.links": "texts",
  "services.*.logging": "logging",
  "services.*.networks": "names",
  "services.*.networks.*.aliases": "texts",
  "services.*.networks.*.link_local_ips": "texts",
  "services.*.profiles": "texts",
  "services.*.secrets": "secrets",
  "services.*.sysctls": "pairs",
  "services.*.tmpfs": "tmpfs",
  "services.*.ulimits.*": "replace",
  "services.*.volumes": "targets",
  "networks.*.ipam.config": "subnets",
  "networks.*.labels": "pairs",
  "volumes.*.labels": "pairs",
};

/** Where a name stands in a path. */
const NAMES = new Set(["services", "networks", "volumes", "ulimits"]);

/** The rule of the field at `path` (`["services", "web", "command"]`). */
export function ruleOf(path: readonly string[]): MergeRule {
  const pattern = path.map((key, at) => (at > 0 && NAMES.has(path[at - 1] ?? "") ? "*" : key)).join(".");
  return Object.hasOwn(RULES, pattern) ? (RULES[pattern] ?? "list") : "list";
}

/** By what an item is known in its list; undefined when it is just one more. */
export function identity(item: Node, rule: ListRule): string | undefined {
  switch (rule) {
    case "list":
      return undefined;
    case "text":
      return textOf(item);
    case "texts":
      return textOf(item)?.split("=")[0];
    case "sequence":
      return textOf(item)?.split("=")[0] ?? memberOf(item, "path");
    case "targets":
      return targetOf(item);
    case "tmpfs":
      return textOf(item)?.split(":")[0];
    case "configs":
      return mountOf(item, "");
    case "secrets":
      return mountOf(item, "/run/secrets");
  }
}

/** A mapping, or a list of names as the mapping it stands for. */
export function keyedBy(node: Node, rule: "names" | "dependencies"): MapNode | undefined {
  if (node.kind === "map") return node;
  if (node.kind !== "list") return undefined;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    const name = textOf(item);
    if (item.kind !== "scalar" || name === undefined) return undefined;
    entries.set(name, { keyPlace: item.place, node: rule === "names" ? nothing(item) : started(item) });
  }
  return { kind: "map", place: node.place, entries };
}

/** A mapping, or a list of `KEY=value` as the mapping it stands for. */
export function pairMap(node: Node): MapNode | undefined {
  if (node.kind === "map") return node;
  if (node.kind !== "list") return undefined;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    if (item.kind !== "scalar" || typeof item.value !== "string") return undefined;
    const text = templateOf(item);
    const at = text.indexOf("=");
    const key = plainText(at < 0 ? text : text.slice(0, at));
    if (key === undefined) return undefined;
    entries.set(key, { keyPlace: item.place, node: at < 0 ? nothing(item) : withText(item, text.slice(at + 1)) });
  }
  return { kind: "map", place: node.place, entries };
}

/** `extra_hosts:` as the list of `name=address`. */
export function hostList(node: Node): ListNode {
  if (node.kind === "list") return { ...node, items: node.items.map(hostOf) };
  if (node.kind !== "map") return { kind: "list", place: node.place, items: [] };
  const items = [...node.entries].flatMap(([name, { node: value }]) =>
    (value.kind === "list" ? value.items : [value]).flatMap((address) =>
      address.kind === "scalar" ? [prefixed(`${name}=`, address)] : [],
    ),
  );
  return { kind: "list", place: node.place, items };
}

function hostOf(item: Node): Node {
  if (item.kind !== "scalar" || typeof item.value !== "string") return item;
  const text = templateOf(item);
  const match = text.includes("=") ? null : /^([^:]+):(.*)$/s.exec(text);
  if (match === null) return item;
  const [, name = "", address = ""] = match;
  return prefixed(`${name}=`, withText(item, address));
}

function prefixed(prefix: string, scalar: ScalarNode): ScalarNode {
  return withText(scalar, `${prefix}${templateOf(scalar)}`);
}

function templateOf(scalar: ScalarNode): string {
  return scalar.template ?? escapeDollars(String(scalar.value));
}

/** The scalar with another text, given as a template. */
function withText(scalar: ScalarNode, template: string): ScalarNode {
  const { place } = scalar;
  const plain = plainText(template);
  return plain === undefined
    ? { kind: "scalar", place, value: template, source: template, template, perDevice: true }
    : { kind: "scalar", place, value: plain, source: plain, template };
}

function nothing({ place }: ScalarNode): ScalarNode {
  return { kind: "scalar", place, value: null, source: "" };
}

/** A dependency given as a name only. */
function started(item: ScalarNode): MapNode {
  const scalar = (value: string | boolean): Entry => ({
    keyPlace: item.place,
    node: { kind: "scalar", place: item.place, value, source: String(value) },
  });
  const entries = new Map([
    ["condition", scalar("service_started")],
    ["required", scalar(true)],
  ]);
  return { kind: "map", place: item.place, entries };
}

function textOf(node: Node): string | undefined {
  return node.kind === "scalar" && node.value !== null ? String(node.value) : undefined;
}

function memberOf(node: Node, key: string): string | undefined {
  const member = node.kind === "map" ? node.entries.get(key)?.node : undefined;
  return member === undefined ? undefined : textOf(member);
}

/** Where a mount or a device goes in the container: by its long form, or the second part of `source:target[:options]`. */
function targetOf(node: Node): string | undefined {
  if (node.kind === "map") return memberOf(node, "target") ?? memberOf(node, "source");
  const text = textOf(node);
  const pieces = text === undefined ? [] : splitTemplate(text, ":");
  return (pieces[1] ?? pieces[0])?.replace(/(?<=.)\/+$/, "");
}

function mountOf(node: Node, folder: string): string | undefined {
  const name = memberOf(node, "source") ?? textOf(node);
  return memberOf(node, "target") ?? (name === undefined ? undefined : `${folder}/${name}`);
}
