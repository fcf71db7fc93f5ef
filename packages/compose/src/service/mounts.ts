import type { Mount } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import type { Place } from "../problem.ts";
import { quote, readBoolean, readChoice, readItems, readMap, readMode, readSizeBytes, readTemplate } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import { splitTemplate } from "../template.ts";
import type { MapNode, Node } from "../tree.ts";

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;

type Bind = Extract<Mount, { kind: "bind" }>;

interface MountDraft extends Draft<Pick<Bind, "propagation" | "recursive" | "selinux" | "createHostPath">> {
  type?: "bind" | "volume" | "tmpfs" | undefined;
  source?: string | undefined;
  target?: string | undefined;
  readOnly?: boolean | undefined;
  noCopy?: boolean | undefined;
  subpath?: string | undefined;
  sizeBytes?: number | undefined;
  mode?: number | undefined;
}

const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"] as const;

export const BIND_FIELDS: Fields<MountDraft> = {
  readers: {
    create_host_path: (draft, node, { problems }) => {
      if (readBoolean(problems, node) === false) draft.createHostPath = false;
    },
    propagation: (draft, node, { problems }) => {
      draft.propagation = readChoice(problems, node, PROPAGATIONS);
    },
    recursive: (draft, node, { problems }) => {
      const choice = readChoice(problems, node, ["enabled", "disabled", "writable", "readonly"]);
      if (choice !== "enabled") draft.recursive = choice;
    },
    selinux: (draft, node, { problems }) => {
      draft.selinux = readChoice(problems, node, ["z", "Z"]);
    },
  },
  refused: {},
};

export const VOLUME_MOUNT_FIELDS: Fields<MountDraft> = {
  readers: {
    nocopy: (draft, node, { problems }) => {
      draft.noCopy = readBoolean(problems, node);
    },
    subpath: (draft, node, { problems }) => {
      draft.subpath = readTemplate(problems, node);
      if (draft.subpath?.split("/").includes("..") === true || draft.subpath?.startsWith("/") === true)
        problems.add(node.place, "bad-value", "a subpath stays in its volume");
    },
  },
  refused: { labels: "put labels on the volume under volumes:" },
};

export const TMPFS_FIELDS: Fields<MountDraft> = {
  readers: {
    size: (draft, node, { problems }) => {
      draft.sizeBytes = readSizeBytes(problems, node);
    },
    mode: (draft, node, { problems }) => {
      draft.mode = readMode(problems, node);
    },
  },
  refused: {},
};

export const MOUNT_FIELDS: Fields<MountDraft> = {
  readers: {
    type: (draft, node, { problems }) => {
      draft.type = readChoice(problems, node, ["volume", "bind", "tmpfs"]);
    },
    source: (draft, node, { problems }) => {
      draft.source = readTemplate(problems, node);
    },
    target: (draft, node, { problems }) => {
      draft.target = readTemplate(problems, node);
    },
    read_only: (draft, node, { problems }) => {
      draft.readOnly = readBoolean(problems, node);
    },
    bind: (draft, node, scope) => nested(draft, node, BIND_FIELDS, scope),
    volume: (draft, node, scope) => nested(draft, node, VOLUME_MOUNT_FIELDS, scope),
    tmpfs: (draft, node, scope) => nested(draft, node, TMPFS_FIELDS, scope),
  },
  refused: { consistency: "it means something on desktops only", image: "images cannot be mounted as volumes" },
};

/** `volumes:` of a service: `[source:]target[:mode]` or the long form. */
export function readMounts(node: Node, scope: Scope): readonly Mount[] {
  const seen = new Set<string>();
  return readItems(scope.problems, node).flatMap((item) => {
    const draft = item.kind === "map" ? readLong(item, scope) : readShort(item, scope);
    const mount = draft === undefined ? undefined : toMount(draft, item.place, scope);
    if (mount === undefined) return [];
    if (seen.has(mount.target)) scope.problems.add(item.place, "bad-value", `${mount.target} is mounted twice`);
    seen.add(mount.target);
    return [mount];
  });
}

function nested(draft: MountDraft, node: Node, fields: Fields<MountDraft>, scope: Scope): void {
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, fields, draft, scope);
}

function readLong(map: MapNode, scope: Scope): MountDraft | undefined {
  const draft: MountDraft = {};
  readFields(map, MOUNT_FIELDS, draft, scope);
  if (map.entries.has("type") && draft.type !== undefined) return draft;
  if (!map.entries.has("type"))
    scope.problems.add(map.place, "missing-field", "a mount needs type: volume, bind or tmpfs");
  return undefined;
}

function readShort(node: Node, scope: Scope): MountDraft | undefined {
  const text = readTemplate(scope.problems, node);
  if (text === undefined) return undefined;
  const pieces = splitTemplate(text, ":");
  if (pieces.length > 3 || pieces.some((piece) => piece === "")) {
    scope.problems.add(node.place, "bad-value", `expected [source:]target[:mode], found ${quote(text)}`);
    return undefined;
  }
  if (pieces.length === 1) return { type: "volume", target: pieces[0] };
  const [source = "", target, mode] = pieces;
  const type = isPath(source) ? "bind" : "volume";
  return { type, source, target, ...readModes(mode, node.place, scope) };
}

function readModes(mode: string | undefined, place: Place, scope: Scope): Partial<MountDraft> {
  const result: Partial<MountDraft> = {};
  for (const option of mode === undefined ? [] : mode.split(",")) {
    const propagation = PROPAGATIONS.find((known) => known === option);
    if (option === "ro") result.readOnly = true;
    else if (option === "nocopy") result.noCopy = true;
    else if (option === "z" || option === "Z") result.selinux = option;
    else if (propagation !== undefined) result.propagation = propagation;
    else if (option !== "rw")
      scope.problems.add(
        place,
        "unsupported-field",
        `the mount option ${quote(option)} is not supported: ro, rw, nocopy, z, Z and ${PROPAGATIONS.join(", ")} are`,
      );
  }
  return result;
}

/** Whether a short form's source names a path; a device's variable does. */
function isPath(source: string): boolean {
  return /^[./~$\\]/.test(source) || source.includes("/");
}

function toMount(draft: MountDraft, place: Place, scope: Scope): Mount | undefined {
  const target = draft.target === undefined || draft.target === "/" ? draft.target : draft.target.replace(/\/+$/, "");
  const readOnly = draft.readOnly ?? false;
  if (target === undefined || !target.startsWith("/")) {
    scope.problems.add(place, "bad-value", `the target of a mount is an absolute path, found ${quote(target ?? "")}`);
    return undefined;
  }
  if (draft.type !== "bind") refuseBindOptions(draft, place, scope);
  const { sizeBytes, mode } = draft;
  if (draft.type === "tmpfs") return { kind: "tmpfs", target, ...compact({ sizeBytes, mode }) };
  if (draft.source === undefined) {
    if (draft.type === "volume") return { kind: "anonymous", target, readOnly };
    scope.problems.add(place, "missing-field", "a bind mount needs source");
    return undefined;
  }
  if (draft.type === "bind") return toBind(draft.source, { ...draft, target, readOnly }, place, scope);
  if (!VOLUME_NAME.test(draft.source)) {
    scope.problems.add(place, "bad-value", `${quote(draft.source)} is no name of a volume`);
    return undefined;
  }
  scope.uses.push({ kind: "volume", name: draft.source, place });
  const { subpath } = draft;
  const noCopy = draft.noCopy === true ? true : undefined;
  return { kind: "volume", volume: draft.source, target, readOnly, ...compact({ noCopy, subpath }) };
}

/** Options that mean something for folders of the host only. */
function refuseBindOptions(draft: MountDraft, place: Place, { problems }: Scope): void {
  for (const option of ["propagation", "selinux"] as const)
    if (draft[option] !== undefined)
      problems.add(place, "unsupported-field", `the mount option ${quote(draft[option])} is for folders of the host`);
}

function toBind(
  source: string,
  draft: MountDraft & Pick<Bind, "target" | "readOnly">,
  place: Place,
  scope: Scope,
): Mount | undefined {
  const { target, readOnly, createHostPath, propagation, recursive, selinux } = draft;
  if (selinux !== undefined && (createHostPath === false || recursive !== undefined))
    scope.problems.add(place, "bad-value", "the engine cannot relabel with create_host_path: false or recursive");
  if (/^(?:\/|\$\{)/.test(source)) {
    const options = compact({ createHostPath, propagation, recursive, selinux });
    return { kind: "bind", source, target, readOnly, ...options };
  }
  scope.problems.add(
    place,
    "unsupported-field",
    `${quote(source)} is relative to this machine's folder, which no device has: use a named volume, a config (configs:) or an absolute path of the device`,
  );
  return undefined;
}
