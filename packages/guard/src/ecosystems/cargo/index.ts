import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const cargo: Ecosystem = { id: "cargo", os: false, extractors: [] };
