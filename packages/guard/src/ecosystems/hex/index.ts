import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const hex: Ecosystem = { id: "hex", os: false, extractors: [] };
