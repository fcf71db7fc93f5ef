import type { DeviceRequest } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readInteger, readItems, readMap, readTemplate, readTemplates, readText, readTextMap } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

const ALL = -1;
const MAX_COUNT = 1000;

/** Fields of a device under `gpus:` and under `deploy.resources.reservations.devices:`. */
export const DEVICE_REQUEST_FIELDS: Fields<Draft<DeviceRequest>> = {
  readers: {
    capabilities: (draft, node, { problems }) => {
      draft.capabilities = readTemplates(problems, node);
    },
    count: (draft, node, scope) => {
      draft.count = readCount(node, scope);
    },
    device_ids: (draft, node, { problems }) => {
      draft.deviceIds = readTemplates(problems, node);
    },
    driver: (draft, node, { problems }) => {
      draft.driver = readTemplate(problems, node);
    },
    options: (draft, node, { problems }) => {
      draft.options = readTextMap(problems, node);
    },
  },
  refused: {},
};

/** `gpus:`: `all`, or requests to which the capability `gpu` is added. */
export function readGpus(node: Node, scope: Scope): readonly DeviceRequest[] {
  if (node.kind === "list") return readRequests(node, ["gpu"], scope);
  if (readText(scope.problems, node) === "all") return [{ count: ALL, capabilities: ["gpu"] }];
  scope.problems.add(node.place, "bad-value", "expected all, or a list of requests");
  return [];
}

/** `devices:` of a reservation: each request names its capabilities. */
export function readReservedDevices(node: Node, scope: Scope): readonly DeviceRequest[] {
  return readRequests(node, [], scope);
}

function readRequests(node: Node, implied: readonly string[], scope: Scope): readonly DeviceRequest[] {
  return readItems(scope.problems, node).flatMap((item) => {
    const map = readMap(scope.problems, item);
    if (map === undefined) return [];
    const draft: Draft<DeviceRequest> = {};
    readFields(map, DEVICE_REQUEST_FIELDS, draft, scope);
    const { count, deviceIds, capabilities = [], ...rest } = draft;
    const all = [...new Set([...capabilities, ...implied])];
    if (all.length === 0) scope.problems.add(item.place, "missing-field", "a request for devices needs capabilities");
    if (count !== undefined && deviceIds !== undefined)
      scope.problems.add(item.place, "bad-value", "count and device_ids exclude each other");
    const wanted = deviceIds === undefined ? { count: count ?? ALL } : { deviceIds };
    return [{ ...wanted, capabilities: all, ...compact(rest) }];
  });
}

function readCount(node: Node, { problems }: Scope): number | undefined {
  if (node.kind === "scalar" && node.value === "all") return ALL;
  return readInteger(problems, node, ALL, MAX_COUNT);
}
