import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";

const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** Which files a package owns: `var/lib/dpkg/info/NAME.list`, or the checksums beside `status.d` (distroless images). */
export const ownedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "deb-owned",
  maxBytes: MAX_LIST_BYTES,
  wants: (path) =>
    (path.startsWith("var/lib/dpkg/info/") && path.endsWith(".list")) ||
    (path.startsWith("var/lib/dpkg/status.d/") && path.endsWith(".md5sums")),
  read: readOwned,
};

function readOwned(file: WholeFile): Extraction {
  const lines = file.bytes.toString("utf8").split("\n");
  const owned = file.path.endsWith(".md5sums") ? lines.map(afterChecksum) : lines.map(afterSlash);
  return { packages: [], problems: [], owned: owned.filter((path) => path !== "" && path !== ".") };
}

function afterSlash(line: string): string {
  return line.startsWith("/") ? line.slice(1) : line;
}

/** `<32 hex>  usr/bin/x`. */
function afterChecksum(line: string): string {
  return afterSlash(line.slice(34));
}
