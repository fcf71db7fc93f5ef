import { readStanzas } from "../deb/status.ts";
import type { WholeFileExtractor } from "../ecosystem.ts";
import { opkgPackage } from "./purl.ts";

const MAX_STATUS_BYTES = 64 * 1024 * 1024;
const PATHS: ReadonlySet<string> = new Set([
  "usr/lib/opkg/status",
  "var/lib/opkg/status",
  "opt/lib/opkg/status",
  "usr/lib/ipkg/status",
]);

/** The database of opkg, and of ipkg before it: dpkg's form, other words (`Status: install user installed`). */
export const statusExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "opkg-status",
  maxBytes: MAX_STATUS_BYTES,
  wants: (path) => PATHS.has(path),
  read: ({ bytes }) =>
    readStanzas(bytes, (fields) =>
      opkgPackage({
        name: fields.get("package") ?? "",
        version: fields.get("version") ?? "",
        architecture: fields.get("architecture"),
        recipe: fields.get("sourcename") ?? fields.get("oe"),
        licence: fields.get("license"),
        evidence: "installed",
      }),
    ),
};
