import type { Ecosystem } from "../ecosystem.ts";
import { installedExtractor } from "./installed.ts";
import { lockExtractor } from "./lock.ts";

/** npm: `package-lock.json` and installed `node_modules`. */
export const npm: Ecosystem = { id: "npm", os: false, extractors: [lockExtractor, installedExtractor] };
