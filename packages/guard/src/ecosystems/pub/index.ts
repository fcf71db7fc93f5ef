import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const pub: Ecosystem = { id: "pub", os: false, extractors: [] };
