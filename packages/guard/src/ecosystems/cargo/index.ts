import type { Ecosystem } from "../ecosystem.ts";
import { lockExtractor } from "./lock.ts";

/** crates.io: `Cargo.lock`. */
export const cargo: Ecosystem = { id: "cargo", os: false, extractors: [lockExtractor] };
