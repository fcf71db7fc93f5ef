import type { Hook } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readBoolean, readItems, readMap, readTemplate } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";
import { readCommand } from "./command.ts";
import { readEnvironment } from "./environment.ts";

/** Fields of one hook under `post_start:` or `pre_stop:`. */
export const HOOK_FIELDS: Fields<Draft<Hook>> = {
  readers: {
    command: (draft, node, scope) => {
      draft.command = readCommand(node, scope);
    },
    user: (draft, node, { problems }) => {
      draft.user = readTemplate(problems, node);
    },
    privileged: (draft, node, { problems }) => {
      draft.privileged = readBoolean(problems, node);
    },
    working_dir: (draft, node, { problems }) => {
      draft.workingDir = readTemplate(problems, node);
    },
    environment: (draft, node, scope) => {
      draft.environment = readEnvironment(node, scope);
    },
  },
  refused: {},
};

/** `post_start:` or `pre_stop:`. */
export function readHooks(node: Node, scope: Scope): readonly Hook[] {
  return readItems(scope.problems, node).flatMap((item) => {
    const map = readMap(scope.problems, item);
    if (map === undefined) return [];
    const draft: Draft<Hook> = {};
    readFields(map, HOOK_FIELDS, draft, scope);
    const { command, ...rest } = draft;
    if (command !== undefined && command.length > 0) return [{ command, ...compact(rest) }];
    if (command !== undefined || !map.entries.has("command"))
      scope.problems.add(item.place, "missing-field", "a hook needs command");
    return [];
  });
}
