import { formatPurl } from "../../purl.ts";

/** A package id as NuGet takes it. */
export function isNugetId(id: string): boolean {
  return id.length <= 128 && /^\w+(?:[.-]\w+)*$/.test(id);
}

/** `pkg:nuget/Newtonsoft.Json@13.0.1`, as the package is written; ids compare without regard to case. */
export function nugetPurl(name: string, version: string): string {
  return formatPurl({ type: "nuget", name, version });
}
