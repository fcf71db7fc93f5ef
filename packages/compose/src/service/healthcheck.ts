import type { Healthcheck } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { quote, readBoolean, readDurationMs, readInteger, readMap, readTemplate, readTemplates } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

interface HealthcheckDraft extends Draft<Healthcheck> {
  disable?: boolean | undefined;
}

export const HEALTHCHECK_FIELDS: Fields<HealthcheckDraft> = {
  readers: {
    test: (draft, node, scope) => {
      draft.test = readTest(node, scope);
    },
    interval: (draft, node, { problems }) => {
      draft.intervalMs = readDurationMs(problems, node);
    },
    timeout: (draft, node, { problems }) => {
      draft.timeoutMs = readDurationMs(problems, node);
    },
    start_period: (draft, node, { problems }) => {
      draft.startPeriodMs = readDurationMs(problems, node);
    },
    start_interval: (draft, node, { problems }) => {
      draft.startIntervalMs = readDurationMs(problems, node);
    },
    retries: (draft, node, { problems }) => {
      draft.retries = readInteger(problems, node, 0, 10_000);
    },
    disable: (draft, node, { problems }) => {
      draft.disable = readBoolean(problems, node);
    },
  },
  refused: {},
};

/** `healthcheck:`. Without a test the image's own is kept, with the other settings of this one. */
export function readHealthcheck(node: Node, scope: Scope): Healthcheck | undefined {
  const map = readMap(scope.problems, node);
  if (map === undefined) return undefined;
  const draft: HealthcheckDraft = {};
  readFields(map, HEALTHCHECK_FIELDS, draft, scope);
  const { disable, test, ...rest } = draft;
  if (disable === true) return { test: ["NONE"] };
  return { test: test ?? [], ...compact(rest) };
}

function readTest(node: Node, scope: Scope): readonly string[] | undefined {
  if (node.kind === "scalar") {
    const text = readTemplate(scope.problems, node);
    return text === undefined ? undefined : ["CMD-SHELL", text];
  }
  const words = readTemplates(scope.problems, node);
  const [kind, ...rest] = words;
  const fits = kind === "NONE" || (kind === "CMD" && rest.length > 0) || (kind === "CMD-SHELL" && rest.length === 1);
  if (fits || words.length === 0) return words;
  scope.problems.add(
    node.place,
    "bad-value",
    `a list begins with CMD, CMD-SHELL (and one text) or NONE, found ${quote(kind ?? "")}`,
  );
  return undefined;
}
