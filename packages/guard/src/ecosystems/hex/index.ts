import type { Ecosystem } from "../ecosystem.ts";
import { lockExtractor } from "./lock.ts";

/** Hex: `mix.lock` of Elixir. */
export const hex: Ecosystem = { id: "hex", os: false, extractors: [lockExtractor] };
