import type { Ecosystem } from "../ecosystem.ts";
import { lockExtractor } from "./lock.ts";

/** Conan: `conan.lock`. */
export const conan: Ecosystem = { id: "conan", os: false, extractors: [lockExtractor] };
