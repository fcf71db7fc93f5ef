import type { Ecosystem } from "../ecosystem.ts";
import { lockExtractor } from "./lock.ts";

/** CocoaPods: `Podfile.lock`. */
export const cocoapods: Ecosystem = { id: "cocoapods", os: false, extractors: [lockExtractor] };
