import { writeFileSync } from "node:fs";
import { systemClock } from "@flotilla/base/clock";
import { replaceFile } from "../write.ts";
import { buildSeed } from "./build.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("usage: npm run seed -w @flotilla/guard -- FOLDER\n");
  process.exit(2);
}
const { store, attribution, imported } = buildSeed(folder, systemClock.now());
replaceFile(`${import.meta.dirname}/seed.store`, store);
writeFileSync(`${import.meta.dirname}/ATTRIBUTION.md`, attribution);
for (const { path, reason } of imported.problems) process.stderr.write(`${path}: ${reason}\n`);
process.stdout.write(`seed.store: ${store.length} bytes of ${imported.advisories} advisories\n`);
