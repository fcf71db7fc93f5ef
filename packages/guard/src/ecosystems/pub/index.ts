import type { Ecosystem } from "../ecosystem.ts";
import { lockExtractor } from "./lock.ts";

/** Dart and Flutter: `pubspec.lock`. */
export const pub: Ecosystem = { id: "pub", os: false, extractors: [lockExtractor] };
