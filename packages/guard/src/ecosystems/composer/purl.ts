import { formatPurl } from "../../purl.ts";

/** `vendor/name` as Composer takes it, in lower case. */
export function isComposerName(name: string): boolean {
  return name.length <= 200 && /^[a-z0-9][a-z0-9_.-]*\/[a-z0-9][a-z0-9_.-]*$/.test(name);
}

/** `pkg:composer/vendor/name@v1.2.3`, the version as it is written. */
export function composerPurl(name: string, version: string): string {
  const [namespace, last = ""] = name.split("/", 2);
  return formatPurl({ type: "composer", namespace, name: last, version });
}
