import { CodedError } from "@flotilla/base/errors";
import type { Labels } from "@flotilla/protocol/api/devices";
import { RESERVED_KEYS } from "./selector.ts";

const MAX_LABELS = 64;

/** `labels` when a device may have them; throws `label-reserved` or `too-many-labels`. Form and length are the schema's. */
export function checkLabels(labels: Labels): Labels {
  const reserved = Object.keys(labels).find((key) => RESERVED_KEYS.includes(key));
  if (reserved !== undefined)
    throw new CodedError(
      "label-reserved",
      `a label cannot be called "${reserved}": selectors use it for the device's own`,
    );
  if (Object.keys(labels).length > MAX_LABELS)
    throw new CodedError("too-many-labels", `a device has at most ${MAX_LABELS} labels`);
  return labels;
}

/** `labels` after a merge patch (RFC 7396): `null` takes a label away. */
export function patchLabels(labels: Labels, patch: Readonly<Record<string, string | null>>): Labels {
  const result = new Map(Object.entries(labels));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, value);
  }
  return checkLabels(Object.fromEntries([...result].sort(([a], [b]) => (a < b ? -1 : 1))));
}
