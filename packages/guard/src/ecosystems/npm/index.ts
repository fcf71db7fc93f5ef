import type { Ecosystem } from "../ecosystem.ts";
import { bunExtractor } from "./bun.ts";
import { denoExtractor } from "./deno.ts";
import { installedExtractor } from "./installed.ts";
import { lockExtractor } from "./lock.ts";
import { pnpmExtractor } from "./pnpm.ts";
import { yarnExtractor } from "./yarn.ts";

/** npm: the locks of npm, Yarn, pnpm, Bun and Deno, and installed `node_modules`. */
export const npm: Ecosystem = {
  id: "npm",
  os: false,
  extractors: [lockExtractor, yarnExtractor, pnpmExtractor, bunExtractor, denoExtractor, installedExtractor],
};
