import type { Ecosystem } from "../ecosystem.ts";
import { archiveExtractor } from "./archive.ts";
import { lockExtractor, metadataExtractor } from "./gradle.ts";
import { pomExtractor } from "./pom.ts";

/** Java packages: what Maven and Gradle projects declare, and what archives hold. */
export const maven: Ecosystem = {
  id: "maven",
  os: false,
  extractors: [pomExtractor, lockExtractor, metadataExtractor, archiveExtractor],
};
