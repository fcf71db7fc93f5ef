import { formatPurl } from "../../purl.ts";

/** A distribution name as the core metadata specification allows it. */
export function isDistributionName(name: string): boolean {
  return name.length <= 200 && /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name);
}

/** PEP 503, "Normalized Names". */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** `pkg:pypi/name@1.2.3`; `name` is normalised already. */
export function pypiPurl(name: string, version: string): string {
  return formatPurl({ type: "pypi", name, version });
}
