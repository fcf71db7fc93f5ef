// Runs a TypeScript file of this checkout on the pinned Node: `node bin/run.mjs FILE [ARG …]`. Works on any Node ≥ 20.
import { launch } from "./launch.mjs";

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: node bin/run.mjs FILE [ARG ...]\n");
  process.exit(2);
}
launch(file, args);
