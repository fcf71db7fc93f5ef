import type { WholeFileExtractor } from "../ecosystem.ts";
import { readYarnBerry } from "./yarn-berry.ts";
import { readYarnClassic } from "./yarn-classic.ts";

const MAX_LOCK_BYTES = 32 * 1024 * 1024;
/** The mark of either form stands in the first lines. */
const HEAD_BYTES = 4096;

/** `yarn.lock` of every Yarn. */
export const yarnExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "npm-yarn",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("yarn.lock") && /(?:^|\/)yarn\.lock$/.test(path) && !path.includes("node_modules/"),
  read: ({ bytes }) =>
    /^__metadata:/m.test(bytes.toString("latin1", 0, HEAD_BYTES))
      ? readYarnBerry(bytes)
      : readYarnClassic(bytes.toString("utf8")),
};
