import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const swift: Ecosystem = { id: "swift", os: false, extractors: [] };
