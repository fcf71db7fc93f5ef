import type { Ecosystem } from "../ecosystem.ts";
import { binaryExtractor } from "./binary.ts";
import { lockExtractor } from "./lock.ts";

/** crates.io: `Cargo.lock`, and programs built with `cargo auditable`. */
export const cargo: Ecosystem = { id: "cargo", os: false, extractors: [lockExtractor, binaryExtractor] };
