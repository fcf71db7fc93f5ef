import type { Ecosystem } from "../ecosystem.ts";
import { binaryExtractor } from "./binary.ts";
import { modFileExtractor } from "./mod-file.ts";

/** Go: build information in programs, and `go.mod`. */
export const go: Ecosystem = { id: "go", os: false, extractors: [modFileExtractor, binaryExtractor] };
