import type { Volume } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readMap, readText, readTextMap } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

export const VOLUME_FIELDS: Fields<Draft<Volume>> = {
  readers: {
    driver: (draft, node, { problems }) => {
      draft.driver = readText(problems, node);
    },
    driver_opts: (draft, node, { problems }) => {
      draft.driverOptions = readTextMap(problems, node);
    },
    labels: (draft, node, { problems }) => {
      draft.labels = readTextMap(problems, node);
    },
  },
  refused: {
    name: "the agent names volumes <app>_<volume>, so that apps do not share data by accident",
    external: "a volume of the device that no app declares cannot be kept by the agent: use an absolute path",
  },
};

/** One volume under `volumes:`; nothing means the engine's defaults. */
export function readVolume(node: Node, scope: Scope): Volume {
  if (node.kind === "scalar" && node.value === null) return {};
  const draft: Draft<Volume> = {};
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, VOLUME_FIELDS, draft, scope);
  return compact(draft);
}
