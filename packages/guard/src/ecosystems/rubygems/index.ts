import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const rubygems: Ecosystem = { id: "rubygems", os: false, extractors: [] };
