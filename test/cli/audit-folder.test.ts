import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { promisify } from "node:util";
import { startTestServer } from "@flotilla/server/testing";

const MAIN = new URL("../../packages/cli/src/main.ts", import.meta.url).pathname;

async function verify(dataDir: string): Promise<{ code: number; stdout: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, "audit", "verify", "--data", dataDir]);
    return { code: 0, stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, stdout };
  }
}

test("a data folder is checked without a server; a change to an event is found", async () => {
  await using server = await startTestServer();
  const { dataDir } = server;
  const intact = await verify(dataDir);
  assert.equal(intact.code, 0);
  assert.match(intact.stdout, /intact: \d+ events/);

  const database = new DatabaseSync(join(dataDir, "flotilla.db"));
  for (const { name } of database
    .prepare("select name from sqlite_master where type = 'trigger' and tbl_name = 'events'")
    .all() as { name: string }[]) {
    database.exec(`drop trigger ${name}`);
  }
  database.exec("update events set action = 'nothing.happened' where seq = (select max(seq) from events)");
  database.close();
  const broken = await verify(dataDir);
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /broken at event \d+/);
});
