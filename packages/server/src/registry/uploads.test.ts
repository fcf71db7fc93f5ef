import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { startTestServer } from "../testing.ts";
import type { Content } from "./content.ts";
import { createDiskBlobStore } from "./disk-blob-store.ts";
import type { LayerScans } from "./layer-scans.ts";
import { errorCode, rawRegistry } from "./testing.ts";
import { createUploads, MAX_UPLOAD_AGE_MS } from "./uploads.ts";

test("an upload that nobody touched for a day is given up, with its file", async () => {
  await using server = await startTestServer();
  const send = rawRegistry(server);
  const location = (await send("POST", "default/a/blobs/uploads/")).headers.get("location") ?? "";
  const folder = join(server.dataDir, "registry");
  const content = { blobs: createDiskBlobStore(folder) } as Content;
  const layers = { drop: () => {} } as unknown as LayerScans;
  const at = (ms: number) => ({
    database: server.context.database,
    clock: { ...systemClock, now: () => systemClock.now() + ms },
  });
  await createUploads(at(MAX_UPLOAD_AGE_MS - 60_000), content, layers).expire();
  assert.equal((await send("GET", location)).status, 204);
  await createUploads(at(MAX_UPLOAD_AGE_MS + 60_000), content, layers).expire();
  assert.equal((await send("GET", location)).status, 404);
  assert.deepEqual(await readdir(join(folder, "uploads")), []);
});

test("a project has a bounded number of uploads open", async () => {
  await using server = await startTestServer();
  await server.context.database.write(async (trx) => {
    for (let index = 0; index < 500; index++)
      await trx
        .insertInto("registry_uploads")
        .values({ id: `id${index}`, project: "default", repository: "default/a", created_at: "2026-01-01T00:00:00Z" })
        .execute();
  });
  const refused = await rawRegistry(server)("POST", "default/b/blobs/uploads/");
  assert.equal(refused.status, 429);
  assert.equal(await errorCode(refused), "TOOMANYREQUESTS");
});
