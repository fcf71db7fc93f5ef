import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../testing.ts";
import { createGroupWrites } from "./group-writes.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const project = (name: string) => ({ name, title: name, created_at: "2026-01-01T00:00:00.000Z" });

test("changes that come together share transactions, and each gets its own answer", async () => {
  const { database } = server.context;
  let transactions = 0;
  const counting = {
    ...database,
    write: (work: Parameters<typeof database.write>[0]) => {
      transactions++;
      return database.write(work);
    },
  } as typeof database;
  const writes = createGroupWrites(counting, 10);
  const numbers = Array.from({ length: 41 }, (_, index) => index);
  const answers = await Promise.all(numbers.map((number) => writes.write(async () => number * 2)));
  assert.deepEqual(
    answers,
    numbers.map((number) => number * 2),
  );
  assert.equal(transactions, 5, "the first alone, then four of ten");
});

test("one that fails does not take the others with it", async () => {
  const writes = createGroupWrites(server.context.database, 10);
  const insert = (name: string) =>
    writes.write((trx) => trx.insertInto("projects").values(project(name)).executeTakeFirst());
  const results = await Promise.allSettled(["first", "second", "default", "third"].map(insert));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
  const rows = await server.context.database.read.selectFrom("projects").select("name").execute();
  assert.deepEqual(rows.map(({ name }) => name).sort(), ["default", "first", "second", "third"]);
});
