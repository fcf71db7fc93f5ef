import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const composer: Ecosystem = { id: "composer", os: false, extractors: [] };
