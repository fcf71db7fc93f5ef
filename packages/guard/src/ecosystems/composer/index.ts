import type { Ecosystem } from "../ecosystem.ts";
import { installedExtractor, lockExtractor } from "./packages.ts";

/** Composer: its lock and what it has installed. */
export const composer: Ecosystem = { id: "composer", os: false, extractors: [lockExtractor, installedExtractor] };
