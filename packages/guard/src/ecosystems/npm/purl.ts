import { formatPurl } from "../../purl.ts";

/** A name that npm would install: `name` or `@scope/name`, no path tricks. Old packages may have upper case. */
export function isPackageName(name: string): boolean {
  return name.length <= 214 && /^(?:@[\w.~*!'()-]+\/)?[\w~*!'()-][\w.~*!'()-]*$/.test(name);
}

/** `pkg:npm/%40scope/name@1.2.3`. */
export function npmPurl(name: string, version: string): string {
  const slash = name.indexOf("/");
  if (slash < 0) return formatPurl({ type: "npm", name, version });
  return formatPurl({ type: "npm", namespace: name.slice(0, slash), name: name.slice(slash + 1), version });
}
