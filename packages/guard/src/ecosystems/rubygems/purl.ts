import { formatPurl } from "../../purl.ts";

/** A gem's name as RubyGems takes it (`Gem::Specification::VALID_NAME_PATTERN`). */
export function isGemName(name: string): boolean {
  return name.length <= 128 && /^[a-zA-Z0-9._-]+$/.test(name) && /[a-zA-Z0-9]/.test(name) && !/^\.+$/.test(name);
}

/** `pkg:gem/rails@7.0.0`. */
export function gemPurl(name: string, version: string): string {
  return formatPurl({ type: "gem", name, version });
}
