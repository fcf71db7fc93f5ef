import type { Ecosystem } from "../ecosystem.ts";
import { programExtractor } from "./program.ts";

/** What devices commonly carry without any package: versions that programs and libraries tell in their own bytes. */
export const binaries: Ecosystem = { id: "binaries", os: false, extractors: [programExtractor] };
