import type { Ecosystem } from "../ecosystem.ts";
import { installedExtractor } from "./installed.ts";
import { lockExtractor } from "./lock.ts";

/** RubyGems: Bundler's lock and installed gems. */
export const rubygems: Ecosystem = { id: "rubygems", os: false, extractors: [lockExtractor, installedExtractor] };
