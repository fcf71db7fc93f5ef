import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { formatProblem } from "@flotilla/compose/problem";
import { readComposeFiles } from "./compose-files.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-compose-"));
after(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

async function read(profiles: readonly string[] = []) {
  const options = { files: [join(folder, "compose.yaml")], envFiles: [], app: "shop", profiles, variables: {} };
  const result = await readComposeFiles(options);
  assert.ok(result.app !== undefined, result.problems.map(formatProblem).join("\n"));
  return result;
}

test("what a compose file extends, includes and reads is found beside it; profiles take in services", async () => {
  write({
    "compose.yaml": `
include: [db/compose.yaml]
services:
  web: { extends: { file: common/base.yaml, service: web } }
  debug: { image: "debug:1", profiles: [debug] }
`,
    ".env": "TAG=7\n",
    "common/base.yaml": `services: { web: { image: "web:$TAG", env_file: web.env } }`,
    "common/web.env": "FROM=common\n",
    "db/compose.yaml": `services: { db: { image: "db:$TAG", configs: [conf] } }\nconfigs: { conf: { file: db.conf } }`,
    "db/.env": "TAG=8\n",
    "db/db.conf": "conf\n",
  });
  const { app, images, files, warnings } = await read();
  assert.deepEqual(images, ["db:7", "web:7"], "the project's own .env wins over an included one");
  assert.deepEqual(app?.services["web"]?.environment, { FROM: "common" });
  assert.deepEqual(
    files.map(({ path }) => path),
    ["db/db.conf"],
  );
  assert.match(warnings.map(({ message }) => message).join(), /debug is left out: give --profile/);
  assert.deepEqual((await read(["debug"])).images, ["db:7", "debug:1", "web:7"]);
});
