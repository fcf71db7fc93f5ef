import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const cocoapods: Ecosystem = { id: "cocoapods", os: false, extractors: [] };
