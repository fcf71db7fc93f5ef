import type { FileMount } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { quote, readItems, readMode, readTemplate, readText } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

export const FILE_MOUNT_FIELDS: Fields<Draft<FileMount>> = {
  readers: {
    source: (draft, node, { problems }) => {
      draft.source = readText(problems, node);
    },
    target: (draft, node, { problems }) => {
      draft.target = readTemplate(problems, node);
    },
    uid: (draft, node, { problems }) => {
      draft.uid = readTemplate(problems, node);
    },
    gid: (draft, node, { problems }) => {
      draft.gid = readTemplate(problems, node);
    },
    mode: (draft, node, { problems }) => {
      draft.mode = readMode(problems, node);
    },
  },
  refused: {},
};

/** `configs:` or `secrets:` of a service: names, or the long form. */
export function readFileMounts(node: Node, kind: "config" | "secret", scope: Scope): readonly FileMount[] {
  return readItems(scope.problems, node).flatMap((item) => {
    const draft: Draft<FileMount> = {};
    if (item.kind === "map") readFields(item, FILE_MOUNT_FIELDS, draft, scope);
    else draft.source = readText(scope.problems, item);
    const { source, target, ...rest } = draft;
    if (source === undefined) {
      if (item.kind === "map" && !item.entries.has("source"))
        scope.problems.add(item.place, "missing-field", `a ${kind} needs source`);
      return [];
    }
    scope.uses.push({ kind, name: source, place: item.place });
    const path = absolute(target ?? source, kind);
    if (path !== undefined) return [{ source, target: path, ...compact(rest) }];
    scope.problems.add(item.place, "bad-value", `the target ${quote(target ?? source)} has to stay in its folder`);
    return [];
  });
}

/** Where compose puts it: configs at the root, secrets under /run/secrets. */
function absolute(target: string, kind: "config" | "secret"): string | undefined {
  if (target.split("/").includes("..")) return undefined;
  if (target.startsWith("/")) return target;
  return kind === "config" ? `/${target}` : `/run/secrets/${target}`;
}
