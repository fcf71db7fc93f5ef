import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import { createMemoryStore } from "./device.fake.ts";
import { type Held, isBad, openJournal } from "./journal.ts";

const held: Held = {
  release: sha256("r1"),
  repository: "default/shop",
  variables: { A: "1" },
  variablesHash: sha256("v1"),
};
const fail = (error: unknown) => assert.fail(String(error));

test("what was saved is read again", async () => {
  const store = createMemoryStore();
  const journal = await openJournal(store, fail);
  await journal.update((state) => ({ ...state, seq: 4, targetVersion: 2, images: [held.release] }));
  await journal.updateApp("shop", () => ({
    committed: { ...held, finished: ["migrate"] },
    previous: held,
    attempt: { target: held, resumes: 1, failure: { code: "unhealthy", reason: "no" } },
    verdict: {
      kind: "commit",
      release: held.release,
      variablesHash: held.variablesHash,
      code: "healthy",
      reason: "",
      at: "",
    },
  }));
  const again = await openJournal(store, fail);
  assert.deepEqual(again.state(), journal.state());
});

test("members of a later agent are kept", async () => {
  const store = createMemoryStore();
  store.text = JSON.stringify({ format: 2, later: { a: 1 }, apps: { shop: { later: true } } });
  const journal = await openJournal(store, fail);
  await journal.update((state) => ({ ...state, seq: 1 }));
  const saved = JSON.parse(store.text) as { later?: unknown; apps?: { shop?: { later?: boolean } } };
  assert.deepEqual([saved.later, saved.apps?.shop?.later], [{ a: 1 }, true]);
});

const damaged: readonly [string, string][] = [
  ["no object", "[]"],
  ["no format", "{}"],
  ["an app without a digest", JSON.stringify({ format: 1, apps: { shop: { committed: { release: "x" } } } })],
  ["no JSON", "{"],
];
for (const [name, text] of damaged) {
  test(`a journal that is ${name} is told of and starts empty`, async () => {
    const store = createMemoryStore();
    store.text = text;
    let told = 0;
    const journal = await openJournal(store, () => told++);
    assert.equal(told, 1);
    assert.deepEqual(journal.state().apps, {});
  });
}

test("when saving fails the state is as before, and the next change still works", async () => {
  const store = createMemoryStore();
  const journal = await openJournal(store, fail);
  const save = store.save;
  store.save = async () => {
    throw new Error("no space left on device");
  };
  await assert.rejects(journal.update((state) => ({ ...state, seq: 9 })));
  assert.equal(journal.state().seq, 0);
  store.save = save;
  await Promise.all([
    journal.update((state) => ({ ...state, seq: state.seq + 1 })),
    journal.update((state) => ({ ...state, seq: state.seq + 1 })),
  ]);
  assert.equal(journal.state().seq, 2, "changes happen one after another");
});

test("a pair is bad only with its app, release and variables", async () => {
  const store = createMemoryStore();
  const journal = await openJournal(store, fail);
  const { release, variablesHash } = held;
  await journal.update((state) => ({ ...state, bad: [{ app: "shop", release, variablesHash }] }));
  assert.equal(isBad(journal.state(), "shop", held), true);
  assert.equal(isBad(journal.state(), "other", held), false);
  assert.equal(isBad(journal.state(), "shop", { ...held, variablesHash: sha256("v2") }), false);
  assert.equal(isBad(journal.state(), "shop", { ...held, release: sha256("r2") }), false);
});
