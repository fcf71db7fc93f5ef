import type { Ecosystem } from "../ecosystem.ts";
import { ownedExtractor } from "./owned.ts";
import { statusExtractor } from "./status.ts";

/** Debian packages, by dpkg's own database. */
export const deb: Ecosystem = { id: "deb", os: true, extractors: [statusExtractor, ownedExtractor] };
