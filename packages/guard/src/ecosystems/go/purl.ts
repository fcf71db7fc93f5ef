import { formatPurl } from "../../purl.ts";
import type { FoundPackage } from "../ecosystem.ts";

/** A module path as `go mod` would take it: no empty or relative parts, printable ASCII (Go modules reference, "Module paths"). */
export function isModulePath(path: string): boolean {
  return path.length <= 500 && /^[\w~.-]+(?:\/[\w~.+-]+)*$/.test(path) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path);
}

/** `pkg:golang/github.com/a/b@v1.2.3`; a main module built from a work tree has `(devel)`, which is no version. */
export function goPurl(path: string, version: string): string {
  const slash = path.lastIndexOf("/");
  return formatPurl({
    type: "golang",
    namespace: slash < 0 ? undefined : path.slice(0, slash),
    name: path.slice(slash + 1),
    version: version === "(devel)" ? undefined : version,
  });
}

/** The standard library of a Go release: `go1.22.3` is `pkg:golang/stdlib@1.22.3`. Development builds have no place among releases. */
export function stdlibPackage(goVersion: string, evidence: FoundPackage["evidence"]): FoundPackage | undefined {
  const version = /^go(\d+\.\d+(?:\.\d+)?(?:(?:rc|beta)\d+)?)(?!-\d)/.exec(goVersion)?.[1];
  if (version === undefined) return undefined;
  return { purl: goPurl("stdlib", version), name: "stdlib", version, evidence };
}
