import type { Ecosystem } from "../ecosystem.ts";
import { resolvedExtractor } from "./resolved.ts";

/** Swift packages: `Package.resolved`. */
export const swift: Ecosystem = { id: "swift", os: false, extractors: [resolvedExtractor] };
