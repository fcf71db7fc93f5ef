import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import { sql } from "kysely";
import { claimDataDir } from "./data-dir.ts";
import { openDatabase } from "./database.ts";
import { type Migration, migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/index.ts";
import { openServerKey } from "./server-key.ts";

function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "flotilla-store-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function openFresh(folder: string) {
  const path = join(folder, "flotilla.db");
  await migrate(path, MIGRATIONS, new FakeClock());
  return openDatabase(path);
}

const project = (name: string) => ({ name, title: name, created_at: "2026-01-01T00:00:00.000Z" });

test("transactions run one after another, and what failed leaves nothing", async () => {
  using folder = temporaryFolder();
  const database = await openFresh(folder.path);
  const order: string[] = [];
  const write = (name: string) =>
    database.write(async (trx) => {
      order.push(`${name} begins`);
      await trx.insertInto("projects").values(project(name)).execute();
      await trx.selectFrom("projects").selectAll().execute();
      order.push(`${name} ends`);
      if (name === "b") throw new Error("b fails");
    });
  const results = await Promise.allSettled(["a", "b", "c"].map(write));
  assert.deepEqual(
    results.map((result) => result.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(order, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  const names = await database.read.selectFrom("projects").select("name").orderBy("name").execute();
  assert.deepEqual(
    names.map((row) => row.name),
    ["a", "c"],
  );
  await database.close();
});

test("what waits for the commit sees it, and does not happen without it", async () => {
  using folder = temporaryFolder();
  const database = await openFresh(folder.path);
  const seen: string[] = [];
  await database.write(async (trx) => {
    database.afterCommit(trx, () => seen.push("committed"));
    assert.deepEqual(seen, []);
  });
  const failing = database.write(async (trx) => {
    database.afterCommit(trx, () => seen.push("never"));
    throw new Error("rolled back");
  });
  await assert.rejects(failing, /rolled back/);
  assert.deepEqual(seen, ["committed"]);
  await database.close();
});

test("the reader cannot write, and the writer keeps the data rules", async () => {
  using folder = temporaryFolder();
  const database = await openFresh(folder.path);
  await assert.rejects(database.read.insertInto("projects").values(project("x")).execute(), /readonly/);
  await database.write(async (trx) => {
    const mode = await sql<{ journal_mode: string }>`PRAGMA journal_mode`.execute(trx);
    const synchronous = await sql<{ synchronous: number }>`PRAGMA synchronous`.execute(trx);
    assert.deepEqual([mode.rows[0]!.journal_mode, synchronous.rows[0]!.synchronous], ["wal", 2]);
  });
  const orphan = database.write((trx) =>
    trx.insertInto("members").values({ project: "none", user_id: "u", role: "owner", added_at: "" }).execute(),
  );
  await assert.rejects(orphan, /FOREIGN KEY/);
  await database.close();
});

const first: Migration = { name: "0001-a", up: (database) => run(database, "CREATE TABLE a (x)") };
const second: Migration = { name: "0002-b", up: (database) => run(database, "CREATE TABLE b (x)") };
const broken: Migration = { name: "0003-c", up: (database) => run(database, "CREATE TABLE c (x); nonsense") };

async function run(database: Parameters<Migration["up"]>[0], text: string): Promise<void> {
  for (const statement of text.split(";")) await sql.raw(statement).execute(database);
}

test("migrations run once, forward, after a copy of what was there", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.db");
  const clock = new FakeClock();
  assert.deepEqual(await migrate(path, [first], clock), { applied: ["0001-a"], backup: undefined });
  assert.deepEqual(await migrate(path, [first], clock), { applied: [], backup: undefined });
  const { applied, backup } = await migrate(path, [first, second], clock);
  assert.deepEqual(applied, ["0002-b"]);
  using copy = new DatabaseSync(backup!, { readOnly: true });
  const tables = copy.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  assert.deepEqual(
    tables.map((table) => table.name),
    ["a", "schema_migrations"],
  );
});

test("a migration that fails leaves nothing of itself", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.db");
  await assert.rejects(migrate(path, [first, broken], new FakeClock()), /nonsense/);
  using database = new DatabaseSync(path, { readOnly: true });
  assert.equal(database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'c'").get()!.n, 0);
  assert.equal(database.prepare("SELECT count(*) AS n FROM schema_migrations").get()!.n, 1);
});

test("a database of a newer version is refused and not touched", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.db");
  await migrate(path, [first, second], new FakeClock());
  await assert.rejects(migrate(path, [first], new FakeClock()), { code: "database-newer", message: /0002-b/ });
  assert.ok(!existsSync(join(folder.path, "backups")));
});

test("a data folder has one server at a time", () => {
  using folder = temporaryFolder();
  const release = claimDataDir(folder.path);
  assert.throws(() => claimDataDir(folder.path), { code: "data-dir-in-use" });
  release();
  claimDataDir(folder.path)();
});

test("the server's key stays, differs by purpose, and is for its owner only", () => {
  using folder = temporaryFolder();
  const key = openServerKey(folder.path).derive("one");
  assert.deepEqual(openServerKey(folder.path).derive("one"), key);
  assert.notDeepEqual(openServerKey(folder.path).derive("two"), key);
  assert.deepEqual(readdirSync(join(folder.path, "keys")), ["server.key"]);
});
