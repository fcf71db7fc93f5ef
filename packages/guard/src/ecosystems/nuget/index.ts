import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const nuget: Ecosystem = { id: "nuget", os: false, extractors: [] };
