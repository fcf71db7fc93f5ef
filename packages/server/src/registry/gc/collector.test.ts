import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { silentLog } from "@flotilla/base/log";
import { type BuiltImage, buildImage } from "@flotilla/oci/build";
import { CollectResult } from "@flotilla/protocol/api/registry-upkeep";
import { createEvents } from "../../audit/events.ts";
import { createMemoryBus } from "../../bus.ts";
import { createReleaseGuard } from "../../releases/contents.ts";
import { databasePath } from "../../store/data-dir.ts";
import { openDatabase } from "../../store/database.ts";
import { migrate } from "../../store/migrate.ts";
import { MIGRATIONS } from "../../store/migrations/index.ts";
import { startTestServer, type TestServer } from "../../testing.ts";
import { createContent } from "../content.ts";
import { deleteManifest } from "../deletion.ts";
import { createDiskBlobStore } from "../disk-blob-store.ts";
import { pushImage, registryClient, temporaryFolder } from "../testing.ts";
import { createCollector } from "./collector.ts";

const ACTOR = { kind: "system", id: "test" } as const;
const REPOSITORIES = ["default/a", "default/b"];

/** The registry's content and collection without a server around it, at a time that stands in `now`. */
async function openStore(folder: string) {
  const path = databasePath(folder);
  const time = { now: 2_000_000_000_000 };
  const clock = { ...systemClock, now: () => time.now };
  await migrate(path, MIGRATIONS, clock);
  const database = openDatabase(path);
  const events = createEvents({ database, bus: createMemoryBus(), clock });
  const project = { name: "default", title: "", created_at: "" };
  await database.write((trx) =>
    trx
      .insertInto("projects")
      .values(project)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  );
  const blobs = createDiskBlobStore(folder);
  const releaseGuard = createReleaseGuard();
  const context = { database, events, clock, releaseGuard };
  const content = createContent(context, blobs, { stored: async () => {} });
  const collector = createCollector({ ...context, log: silentLog, blobs, pins: content.pins });
  return { time, database, context, content, collector, [Symbol.asyncDispose]: () => database.close() };
}
type Store = Awaited<ReturnType<typeof openStore>>;

/** As registry clients push: what is there is not sent again. */
async function push({ content }: Store, repository: string, image: BuiltImage, tag: string): Promise<void> {
  for (const { digest, bytes } of image.blobs) {
    if ((await content.hasBlob(repository, digest)) !== undefined) continue;
    const found = await content.findInProject("default", digest);
    if (found === undefined) assert.equal(await content.putBlob(repository, bytes), digest);
    else await content.linkBlob(repository, digest, found.sizeBytes).catch(() => content.putBlob(repository, bytes)); // it was removed since it was found: sent, as clients do
  }
  await content.putManifest({ repository, bytes: image.manifest.bytes, tags: [tag], actor: ACTOR });
}

/** Every manifest and everything it names is there, with bytes. */
async function assertWhole({ database, content }: Store, images: readonly BuiltImage[]): Promise<number> {
  const rows = await database.read.selectFrom("registry_manifests").select(["repository", "digest"]).execute();
  for (const { repository, digest } of rows) {
    const image = images.find(({ manifest }) => manifest.digest === digest)!;
    const named: readonly Digest[] = image.blobs.map((blob) => blob.digest);
    for (const blob of named) assert.ok(await content.hasBlob(repository, blob), `${repository} lost ${blob}`);
    for (const blob of [...named, asDigest(digest)])
      assert.ok(await content.blobs.sizeOf(blob), `the bytes of ${blob} are gone`);
  }
  return rows.length;
}

/** Numbers that look random and are the same in each run (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test("a thousand rounds of pushing, deleting and collecting at the same time lose nothing that is named", async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore(folder.path);
  const random = seeded(4711);
  // Images share layers, so that what one leaves another one names.
  const images = Array.from({ length: 12 }, (_, at) =>
    buildImage({
      files: [{ shared: `layer ${at % 3}` }, { own: `layer ${at % 6}` }],
      created: `2026-01-01T00:00:${10 + at}Z`,
    }),
  );
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const remove = async (image: BuiltImage) =>
    deleteManifest(store.context, pick(REPOSITORIES), { kind: "digest", digest: image.manifest.digest }, ACTOR).catch(
      (error: { code?: string }) => assert.equal(error.code, "manifest-unknown"),
    );
  let collected = 0;
  for (let round = 0; round < 1000; round++) {
    // No time passes in most rounds; a pause longer than the grace period between two rounds is what lets anything go.
    if (random(3) === 0) store.time.now += 2000;
    const collecting = store.collector.collect({ project: "default", actor: ACTOR, graceMs: 1000 });
    await Promise.all([
      push(store, pick(REPOSITORIES), pick(images), `t${random(4)}`),
      random(2) === 0 ? push(store, pick(REPOSITORIES), pick(images), `t${random(4)}`) : remove(pick(images)),
      remove(pick(images)),
      collecting,
    ]);
    collected += (await collecting).blobs;
    if (round % 50 === 0) await assertWhole(store, images);
  }
  assert.ok((await assertWhole(store, images)) > 0);
  assert.ok(collected > 100, `only ${collected} blobs were collected: the test proves little`);
});

const image = buildImage({ files: { app: "some bytes" } });
const layer = image.blobs[0]!;
const collect = (store: Store) => store.collector.collect({ project: "default", actor: ACTOR, graceMs: 1000 });

/** What happens to a blob that was condemned, and whether it is there afterwards. */
const REPRIEVES: readonly [what: string, happens: (store: Store) => Promise<unknown>, stays: boolean][] = [
  ["nothing happens to", async () => {}, false],
  ["somebody asks for", (store) => store.content.hasBlob("default/a", layer.digest), true],
  ["somebody pushes", (store) => store.content.putBlob("default/a", layer.bytes), true],
  ["somebody mounts", (store) => store.content.linkBlob("default/a", layer.digest, layer.bytes.length), true],
  [
    "a manifest names",
    (store) =>
      store.content.putManifest({ repository: "default/a", bytes: image.manifest.bytes, tags: [], actor: ACTOR }),
    true,
  ],
  ["somebody asks another repository for", (store) => store.content.hasBlob("default/b", layer.digest), false],
];
for (const [what, happens, stays] of REPRIEVES)
  test(`what ${what} after it was condemned ${stays ? "stays" : "goes"}`, async () => {
    await using folder = await temporaryFolder();
    await using store = await openStore(folder.path);
    await store.content.putBlob("default/a", layer.bytes);
    assert.deepEqual(await collect(store), { condemned: 1, blobs: 0, bytes: 0 });
    store.time.now += 999;
    assert.deepEqual(await collect(store), { condemned: 0, blobs: 0, bytes: 0 });
    await happens(store);
    store.time.now += 1;
    const { blobs, bytes } = await collect(store);
    assert.deepEqual([blobs, bytes], stays ? [0, 0] : [1, layer.bytes.length]);
    assert.equal((await store.content.blobs.sizeOf(layer.digest)) !== undefined, stays);
  });

test("bytes that a crash left without a name go, and a name never stands without bytes", async () => {
  await using folder = await temporaryFolder();
  {
    await using store = await openStore(folder.path);
    await push(store, "default/a", image, "v1");
    // Killed after the row went and before the file did.
    await store.content.putBlob("default/b", Buffer.from("left"));
    await store.database.write((trx) =>
      trx.deleteFrom("registry_blobs").where("repository", "=", "default/b").execute(),
    );
  }
  await using store = await openStore(folder.path);
  assert.equal(await store.collector.collectAll(1000), 4);
  assert.equal(await assertWhole(store, [image]), 1);
});

test("what a release needs stays, also when no manifest names it", async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore(folder.path);
  await store.content.putBlob("default/a", layer.bytes);
  const row = { project: "default", repository: "default/a", digest: layer.digest, app: "a", number: 1 };
  await store.database.write((trx) => trx.insertInto("release_contents").values(row).execute());
  await collect(store);
  store.time.now += 1000;
  assert.equal((await collect(store)).blobs, 0);
  assert.equal(await store.content.hasBlob("default/a", layer.digest), layer.bytes.length);
});

test("bytes that are being stored are not removed before they are named", async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore(folder.path);
  const { content } = store;
  await content.pins.hold(layer.digest, async () => {
    await content.blobs.put(layer.digest, layer.bytes);
    assert.equal(await store.collector.collectAll(0), 0);
    await content.linkBlob("default/a", layer.digest, layer.bytes.length);
  });
  assert.equal(await content.blobs.sizeOf(layer.digest), layer.bytes.length);
  assert.equal(await store.collector.collectAll(0), 0);
});

test("manifests of before the table of references keep what they name, and one that cannot be read keeps its repository", async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore(folder.path);
  await push(store, "default/a", image, "v1");
  await push(store, "default/b", image, "v1");
  await store.content.putBlob("default/b", Buffer.from("nobody's"));
  await store.database.write((trx) => trx.deleteFrom("registry_references").execute());
  assert.equal((await collect(store)).condemned, 1);
  await store.database.write((trx) => trx.deleteFrom("registry_references").execute());
  await store.database.write((trx) => trx.deleteFrom("registry_condemned").execute());
  await store.content.blobs.remove(image.manifest.digest);
  assert.equal((await collect(store)).condemned, 0);
});

async function collectBy(server: TestServer): Promise<CollectResult> {
  return server.client.post("/api/v1/projects/default/registry/gc", { graceSeconds: 3600 }, CollectResult);
}

test("a person collects what a deleted image leaves, and the log says so", async () => {
  const time = { plus: 0 };
  const clock = { ...systemClock, now: () => systemClock.now() + time.plus };
  await using server = await startTestServer({ clock });
  const client = registryClient(server);
  await pushImage(client, "default/a", "v1", image);
  await client.deleteManifest("default/a", image.manifest.digest);
  const bytes = image.blobs.reduce((sum, blob) => sum + blob.bytes.length, 0);
  assert.deepEqual(await collectBy(server), { removedBlobs: 0, freedBytes: 0, condemnedBlobs: image.blobs.length });
  time.plus = 3_600_001;
  assert.deepEqual(await collectBy(server), {
    removedBlobs: image.blobs.length,
    freedBytes: bytes,
    condemnedBlobs: 0,
  });
  const events = await server.context.events.before(undefined, { project: "default", limit: 20 });
  const event = events.find(({ action }) => action === "registry.collected");
  assert.deepEqual(event?.data, { removedBlobs: image.blobs.length, freedBytes: bytes });
});
