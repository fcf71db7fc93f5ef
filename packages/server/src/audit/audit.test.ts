import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { FakeClock } from "@flotilla/base/clock.fake";
import { AuditVerification, Event } from "@flotilla/protocol/api/audit";
import { CreatedToken } from "@flotilla/protocol/api/users";
import { databasePath } from "../store/data-dir.ts";
import { startTestServer, type TestServer } from "../testing.ts";
import { verifyDataDir } from "./verify.ts";

async function append(server: TestServer, action: string, project: string | null = "default"): Promise<void> {
  const { database, events } = server.context;
  const actor = { kind: "rule", id: "test" } as const;
  await database.write((trx) =>
    events.append(trx, { project, actor, action, subject: "thing/1", data: { b: 1, a: [2] } }),
  );
}

/** Changes the log as somebody with the file in hand would, past the triggers that refuse it. */
function tamper(server: TestServer, statement: string): void {
  using file = new DatabaseSync(databasePath(server.dataDir));
  file.exec("DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete");
  file.exec(statement);
}

test("the chain holds, online and on the data folder alone", async () => {
  await using server = await startTestServer();
  for (let count = 0; count < 3; count++) await append(server, "thing.done");
  const result = await server.client.get("/api/v1/audit/verify", AuditVerification);
  assert.equal(result.intact, true);
  assert.equal(result.count, await server.context.events.lastSeq());
  assert.deepEqual(await verifyDataDir(server.dataDir, systemClock), result);
});

const TAMPERING = [
  {
    what: "a changed fact",
    statement: `UPDATE events SET data = '{"a":[3],"b":1}' WHERE seq = 5`,
    says: /hash does not follow/,
  },
  {
    what: "another actor",
    statement: "UPDATE events SET actor_name = 'somebody else' WHERE seq = 5",
    says: /hash does not follow/,
  },
  {
    what: "another time",
    statement: "UPDATE events SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 5",
    says: /hash does not follow/,
  },
  { what: "a removed event", statement: "DELETE FROM events WHERE seq = 5", says: /event 5 is missing/ },
  { what: "damaged data", statement: "UPDATE events SET data = '{' WHERE seq = 5", says: /not JSON/ },
  {
    what: "swapped events",
    statement:
      "UPDATE events SET seq = 11000 - seq WHERE seq IN (5, 6); UPDATE events SET seq = seq - 10989 WHERE seq > 10000",
    says: /hash does not follow/,
  },
];

for (const { what, statement, says } of TAMPERING)
  test(`the check finds ${what}`, async () => {
    await using server = await startTestServer();
    for (let count = 0; count < 5; count++) await append(server, "thing.done");
    tamper(server, statement);
    const result = await server.client.get("/api/v1/audit/verify", AuditVerification);
    assert.deepEqual([result.intact, result.brokenSeq, result.count], [false, 5, 4]);
    assert.match(result.reason ?? "", says);
  });

test("the database itself refuses to change or delete an event", async () => {
  await using server = await startTestServer();
  const { database } = server.context;
  await assert.rejects(
    database.write((trx) => trx.deleteFrom("events").execute()),
    /append-only/,
  );
  await assert.rejects(
    database.write((trx) => trx.updateTable("events").set({ at: "" }).execute()),
    /append-only/,
  );
});

test("an event of a change that fails is not there", async () => {
  await using server = await startTestServer();
  const before = await server.context.events.lastSeq();
  const { database, events } = server.context;
  const failing = database.write(async (trx) => {
    await events.append(trx, { project: null, actor: { kind: "rule", id: "r" }, action: "x.done", subject: "x/1" });
    throw new Error("the change failed");
  });
  await assert.rejects(failing, /the change failed/);
  assert.equal(await server.context.events.lastSeq(), before);
});

test("events are paged both ways, and only the project's own", async () => {
  await using server = await startTestServer();
  for (const action of ["a.done", "b.done", "c.done"]) await append(server, action);
  await append(server, "secret.done", null);
  const list = async (order: string) => {
    const actions: string[] = [];
    const query = { limit: 2, order, subject: "thing/1" };
    for await (const event of server.client.items("/api/v1/projects/default/events", Event, { query }))
      actions.push(event.action);
    return actions;
  };
  assert.deepEqual(await list("asc"), ["a.done", "b.done", "c.done"]);
  assert.deepEqual(await list("desc"), ["c.done", "b.done", "a.done"]);
});

test("a stream tells what was and what happens, and resumes without a gap", async () => {
  await using server = await startTestServer();
  const before = await server.context.events.lastSeq();
  await append(server, "a.done");
  const take = async (after: number, count: number): Promise<readonly Event[]> => {
    const stop = new AbortController();
    const taken: Event[] = [];
    for await (const event of server.client.events("default", { after, signal: stop.signal })) {
      taken.push(event);
      if (taken.length === 1) await append(server, "b.done");
      if (taken.length === count) break;
    }
    stop.abort();
    return taken;
  };
  const first = await take(before, 2);
  assert.deepEqual(
    first.map((event) => event.action),
    ["a.done", "b.done"],
  );
  await append(server, "c.done");
  const rest = await take(first[1]!.seq, 2);
  assert.deepEqual(
    rest.map((event) => event.action),
    ["c.done", "b.done"],
  );
});

test("a stream of more events than one batch loses none", async () => {
  await using server = await startTestServer();
  const before = await server.context.events.lastSeq();
  const { database, events } = server.context;
  await database.write(async (trx) => {
    for (let index = 0; index < 250; index++)
      await events.append(trx, {
        project: "default",
        actor: { kind: "rule", id: "r" },
        action: "x.done",
        subject: "x/1",
      });
  });
  const seqs: number[] = [];
  for await (const event of server.client.events("default", { after: before })) {
    seqs.push(event.seq);
    if (seqs.length === 250) break;
  }
  assert.deepEqual(
    seqs,
    Array.from({ length: 250 }, (_, index) => before + 1 + index),
  );
});

test("a quiet stream beats, and ends when the right to listen has ended", async () => {
  const clock = new FakeClock();
  await using server = await startTestServer({ clock });
  const body = { name: "listener", scopes: ["project:read"] };
  const { id, token } = await server.client.post("/api/v1/projects/default/tokens", body, CreatedToken);
  const after = await server.context.events.lastSeq();
  const headers = { accept: "text/event-stream", authorization: `Bearer ${token}`, "last-event-id": String(after) };
  const response = await fetch(`${server.url}/api/v1/projects/default/events`, { headers });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "retry: 2000\n\n");
  await clock.advance(15_000);
  assert.equal((await reader.read()).value, ": still here\n\n");
  await server.client.delete(`/api/v1/projects/default/tokens/${id}`);
  assert.match((await reader.read()).value!, /token\.revoked/);
  await clock.advance(15_000);
  assert.equal((await reader.read()).done, true);
});

test("a server that stops ends its streams", async () => {
  const server = await startTestServer();
  const events = server.client
    .events("default", { after: await server.context.events.lastSeq() })
    [Symbol.asyncIterator]();
  const next = events.next();
  await append(server, "a.done");
  assert.equal((await next).value!.action, "a.done");
  const end = events.next();
  await server.stop();
  assert.equal((await end).done, true);
});
