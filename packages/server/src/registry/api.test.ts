import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import { builtInPolicy } from "@flotilla/guard/policy/built-in";
import { buildImage } from "@flotilla/oci/build";
import { RepositoryList, ScanResult, TagList } from "@flotilla/protocol/api/registry";
import { startTestServer } from "../testing.ts";
import type { BlobStore } from "./blob-store.ts";
import type { LayerScans } from "./layer-scans.ts";
import { createScanRunner } from "./scan-runner.ts";
import { pushImage, registryClient } from "./testing.ts";

const API = "/api/v1/projects/default";
const image = buildImage({ files: { a: "b" } });

test("repositories and tags are listed page by page", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  for (const repository of ["default/a", "default/b"]) await pushImage(client, repository, "v1", image);
  await client.putManifest("default/a", "v2", image.manifest);
  const first = await server.client.get(`${API}/repositories?limit=1`, RepositoryList);
  assert.deepEqual(
    first.items.map(({ name, tagCount, manifestCount }) => [name, tagCount, manifestCount]),
    [["default/a", 2, 1]],
  );
  const second = await server.client.get(`${API}/repositories?limit=1&cursor=${first.next}`, RepositoryList);
  assert.deepEqual(
    second.items.map(({ name }) => name),
    ["default/b"],
  );
  assert.equal(second.next, undefined);
  const tags = await server.client.get(`${API}/repositories/tags?repository=default/a&limit=1`, TagList);
  const rest = `${API}/repositories/tags?repository=default/a&limit=1&cursor=${tags.next}`;
  assert.deepEqual(
    [...tags.items, ...(await server.client.get(rest, TagList)).items].map(({ name, digest }) => [name, digest]),
    ["v1", "v2"].map((name) => [name, image.manifest.digest]),
  );
  const foreign = server.client.get(`${API}/repositories/tags?repository=other/a`, TagList);
  await assert.rejects(foreign, { code: "not-found" });
});

test("a scan that does not end is told as pending after the wait, and to who gives up", async () => {
  await using server = await startTestServer();
  const { context } = server;
  await context.database.write(async (trx) => {
    await trx
      .insertInto("registry_scans")
      .values({
        project: "default",
        manifest: image.manifest.digest,
        repository: "default/a",
        state: "pending",
        problem: null,
        outcome: null,
        report: null,
        inventory: null,
        sources: null,
        created_at: "2026-01-01T00:00:00Z",
        finished_at: null,
      })
      .execute();
  });
  const path = `${API}/scans/${image.manifest.digest}`;
  assert.equal((await server.client.get(`${path}?waitSeconds=1`, ScanResult)).state, "pending");
  const scans = createScanRunner({
    context,
    blobs: {} as BlobStore,
    layers: {} as LayerScans,
    advisories: () => ({ sources: [], lookup: () => [] }),
    policies: { of: async () => builtInPolicy },
  });
  const gone = new AbortController();
  const waiting = scans.wait("default", asDigest(image.manifest.digest), gone.signal);
  gone.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  const told = scans.wait("default", asDigest(image.manifest.digest), new AbortController().signal);
  await context.database.write(async (trx) => {
    await trx.updateTable("registry_scans").set({ state: "failed", problem: "none" }).execute();
  });
  context.bus.publish("scan.done", { project: "default", manifest: image.manifest.digest });
  assert.equal((await told)?.kind, "failed");
});
