import type { Ecosystem } from "../ecosystem.ts";

/** Its versions are ordered; its files are not read yet. */
export const conan: Ecosystem = { id: "conan", os: false, extractors: [] };
