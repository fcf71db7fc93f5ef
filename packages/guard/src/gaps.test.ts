import assert from "node:assert/strict";
import { it } from "node:test";
import { createCollector } from "./collector.ts";
import { mergeLayers } from "./image.ts";

const PATHS = [
  "var/lib/pacman/local/b-1-1/desc",
  "srv/b.bin",
  "app/bun.lockb",
  "var/lib/pacman/local/a-1-1/desc",
  "app/index.js",
  "logo.png",
  "usr/share/doc/x/readme",
];

it("says what was met and not looked at, over all layers", () => {
  const layers = [PATHS, ["var/lib/pacman/local/c-1-1/desc"]].map((paths) => {
    const collector = createCollector({ inventory: true, secrets: true });
    for (const path of paths) {
      collector.seen(path);
      const file = collector.file(path, 20);
      file?.write(Buffer.from(path.endsWith(".js") ? "text that is no secret" : "\0 binary by its bytes"), 0);
      file?.end();
    }
    return collector.finish();
  });
  assert.deepEqual(mergeLayers(layers).notCovered, [
    "Not read for packages: 3 Arch Linux packages (such as var/lib/pacman/local/b-1-1/desc).",
    "Not read for packages: 1 Bun locks in their binary form (such as app/bun.lockb).",
    "Not looked through for secrets: 5 binary files (such as var/lib/pacman/local/b-1-1/desc).",
    "Not looked through for secrets: 2 lock files, checksum lists, documentation, and tests inside vendored packages (such as app/bun.lockb).",
  ]);
});

it("speaks only of what was asked for", () => {
  const collector = createCollector({ inventory: false, secrets: false });
  collector.seen("app/bun.lockb");
  assert.equal(collector.file("app/bun.lockb", 20), undefined);
  assert.deepEqual(mergeLayers([collector.finish()]).notCovered, []);
});
