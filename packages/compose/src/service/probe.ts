import type { Probe, Service } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { quote, readDurationMs, readInteger, readMap, readTemplate, readTemplates, readText } from "../read.ts";
import type { Scope } from "../scope.ts";
import { shellWords } from "../shell-words.ts";
import type { MapNode, Node } from "../tree.ts";
import { readStrategy } from "./strategy.ts";

/** How long a service has to prove itself when the probe does not say. */
export const DEFAULT_PROBE_DEADLINE_MS = 120_000;

interface HttpDraft {
  port?: number | undefined;
  path?: string | undefined;
  status?: number | undefined;
}

type Kind =
  | ({ readonly kind: "http" } & HttpDraft)
  | { readonly kind: "tcp"; readonly port: number | undefined }
  | { readonly kind: "exec"; readonly command: readonly string[] }
  | { readonly kind: "stable-for"; readonly stableMs: number | undefined };

interface ProbeDraft {
  readonly kinds: Kind[];
  deadlineMs?: number | undefined;
}

const HTTP_FIELDS: Fields<HttpDraft> = {
  readers: {
    port: (draft, node, { problems }) => {
      draft.port = readInteger(problems, node, 1, 65_535);
    },
    path: (draft, node, { problems }) => {
      draft.path = readText(problems, node);
      if (draft.path !== undefined && !draft.path.startsWith("/"))
        problems.add(node.place, "bad-value", `a path begins with /, found ${quote(draft.path)}`);
    },
    status: (draft, node, { problems }) => {
      draft.status = readInteger(problems, node, 100, 599);
    },
  },
  refused: {},
};

const PROBE_FIELDS: Fields<ProbeDraft> = {
  readers: {
    http: (draft, node, scope) => {
      const map = readMap(scope.problems, node);
      const http: HttpDraft = {};
      if (map !== undefined) readFields(map, HTTP_FIELDS, http, scope);
      if (map !== undefined && !map.entries.has("port"))
        scope.problems.add(node.place, "missing-field", "an http probe needs port");
      draft.kinds.push({ kind: "http", ...http });
    },
    tcp: (draft, node, scope) => draft.kinds.push({ kind: "tcp", port: readTcpPort(node, scope) }),
    exec: (draft, node, scope) => draft.kinds.push({ kind: "exec", command: readCommand(node, scope) }),
    "stable-for": (draft, node, { problems }) =>
      draft.kinds.push({ kind: "stable-for", stableMs: readDurationMs(problems, node) }),
    deadline: (draft, node, { problems }) => {
      draft.deadlineMs = readDurationMs(problems, node);
    },
  },
  refused: {},
};

interface ServiceExtension {
  probe?: Probe | undefined;
  strategy?: Service["strategy"] | undefined;
}

const SERVICE_EXTENSION: Fields<ServiceExtension> = {
  readers: {
    probe: (draft, node, scope) => {
      const map = readMap(scope.problems, node);
      if (map !== undefined) draft.probe = readProbe(map, scope);
    },
    strategy: (draft, node, scope) => {
      draft.strategy = readStrategy(node, scope);
    },
  },
  refused: {},
};

/** `x-flotilla:` of a service: `probe:` with one of `http`, `tcp`, `exec`, `stable-for`, and `deadline`; `strategy:`. */
export function readServiceExtension(node: Node, scope: Scope): Readonly<ServiceExtension> {
  const draft: ServiceExtension = {};
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, SERVICE_EXTENSION, draft, scope);
  return draft;
}

function readProbe(map: MapNode, scope: Scope): Probe | undefined {
  const draft: ProbeDraft = { kinds: [] };
  readFields(map, PROBE_FIELDS, draft, scope);
  const [probe, ...others] = draft.kinds;
  if (probe === undefined || others.length > 0) {
    scope.problems.add(map.place, "bad-value", "a probe is one of http, tcp, exec and stable-for");
    return undefined;
  }
  return toProbe(probe, draft.deadlineMs);
}

function toProbe(kind: Kind, deadline: number | undefined): Probe | undefined {
  const deadlineMs = deadline ?? DEFAULT_PROBE_DEADLINE_MS;
  switch (kind.kind) {
    case "http": {
      const status = kind.status === undefined ? {} : { expectStatus: kind.status };
      return kind.port === undefined
        ? undefined
        : { kind: "http", port: kind.port, path: kind.path ?? "/", ...status, deadlineMs };
    }
    case "tcp":
      return kind.port === undefined ? undefined : { kind: "tcp", port: kind.port, deadlineMs };
    case "exec":
      return kind.command.length === 0 ? undefined : { kind: "exec", command: kind.command, deadlineMs };
    case "stable-for":
      if (kind.stableMs === undefined) return undefined;
      return {
        kind: "stable-for",
        stableMs: kind.stableMs,
        deadlineMs: deadline ?? kind.stableMs + DEFAULT_PROBE_DEADLINE_MS,
      };
  }
}

/** `tcp: 8080` or `tcp: { port: 8080 }`. */
function readTcpPort(node: Node, scope: Scope): number | undefined {
  if (node.kind !== "map") return readInteger(scope.problems, node, 1, 65_535);
  const draft: HttpDraft = {};
  const { port } = HTTP_FIELDS.readers;
  readFields(node, { readers: port === undefined ? {} : { port }, refused: {} }, draft, scope);
  if (!node.entries.has("port")) scope.problems.add(node.place, "missing-field", "a tcp probe needs port");
  return draft.port;
}

function readCommand(node: Node, scope: Scope): readonly string[] {
  if (node.kind === "list") return readTemplates(scope.problems, node);
  const text = readTemplate(scope.problems, node);
  const words = text === undefined ? [] : shellWords(text);
  if (words === undefined) scope.problems.add(node.place, "bad-value", "a quote is not closed");
  return words ?? [];
}
