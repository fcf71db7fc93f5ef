import type { Ecosystem } from "../ecosystem.ts";
import { installedExtractor } from "./installed.ts";

/** npm: `package-lock.json` and installed `node_modules`. */
export const npm: Ecosystem = { id: "npm", os: false, extractors: [installedExtractor] };
