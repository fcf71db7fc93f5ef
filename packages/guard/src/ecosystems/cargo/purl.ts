import { formatPurl } from "../../purl.ts";

/** A crate's name as Cargo takes it: letters, digits, `-` and `_`. */
export function isCrateName(name: string): boolean {
  return name.length <= 128 && /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(name);
}

/** Cargo takes nothing but SemVer. */
export function isCrateVersion(version: string): boolean {
  return version.length <= 256 && /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(version);
}

/** `pkg:cargo/name@1.2.3`. */
export function cargoPurl(name: string, version: string): string {
  return formatPurl({ type: "cargo", name, version });
}
