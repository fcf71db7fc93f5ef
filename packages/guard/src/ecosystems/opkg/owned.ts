import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";

const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** Which files a package owns: one path a line, in newer databases with mode and link target behind tabs. */
export const ownedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "opkg-owned",
  maxBytes: MAX_LIST_BYTES,
  wants: (path) => path.endsWith(".list") && /^(?:usr|var|opt)\/lib\/[oi]pkg\/info\/[^/]+$/.test(path),
  read: readOwned,
};

function readOwned(file: WholeFile): Extraction {
  const owned = file.bytes
    .toString("utf8")
    .split("\n")
    .map((line) => (line.split("\t", 1)[0] ?? "").trim().replace(/^\/+/, ""))
    .filter((path) => path !== "" && path !== ".");
  return { packages: [], problems: [], owned };
}
