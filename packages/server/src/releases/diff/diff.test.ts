import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "@flotilla/base/errors";
import { buildImage, buildIndex } from "@flotilla/oci/build";
import { ReleaseDiff } from "@flotilla/protocol/api/release-diff";
import { ReleaseDetail } from "@flotilla/protocol/api/releases";
import { startTestServer } from "../../testing.ts";
import { npmPackage, push, releaseRequest } from "../release.fixture.ts";

const PATH = "/api/v1/projects/default/apps/shop/releases";

const on = (architecture: string, version: string, text: string) =>
  buildImage({
    files: [{ "base/file": "shared" }, npmPackage("jquery", version), { "bin/web": text }],
    platform: { os: "linux", architecture },
  });

test("two releases differ in compose, image, layers, packages, findings and bytes to download", async () => {
  await using server = await startTestServer();
  const old = buildIndex([on("amd64", "3.0.0", "one"), on("arm64", "3.0.0", "one")]);
  const fresh = buildIndex([on("amd64", "3.7.1", "one"), on("arm64", "3.7.1", "two, and longer than it was")]);
  const first = await push(server, "default/web", old);
  const second = await push(server, "default/web", fresh);
  const create = async (tag: string, digest: string) => {
    const compose = `name: shop\nservices:\n  web: { image: "web:${tag}" }\n`;
    return server.client.post(PATH, await releaseRequest(compose, { [`web:${tag}`]: digest }), ReleaseDetail);
  };
  const r1 = await create("1", first);
  const r2 = await create("2", second);

  const diff = await server.client.get(`${PATH}/r2/diff`, ReleaseDiff, { query: { from: r1.digest } });
  assert.deepEqual(
    [diff.from, diff.to],
    [
      { digest: r1.digest, tag: "r1" },
      { digest: r2.digest, tag: "r2" },
    ],
  );
  assert.deepEqual(diff.compose[0]?.fields, [{ field: "image", change: "changed", from: '"web:1"', to: '"web:2"' }]);
  assert.deepEqual(diff.images, [
    {
      repository: "default/web",
      change: "changed",
      from: { reference: "web:1", digest: first },
      to: { reference: "web:2", digest: second },
    },
  ]);
  assert.deepEqual(diff.packages, [
    { image: "web:2", ecosystem: "npm", name: "jquery", change: "upgraded", from: "3.0.0", to: "3.7.1" },
  ]);
  assert.deepEqual(diff.notCompared, []);
  assert.ok(diff.findings.length > 0 && diff.findings.every((one) => one.change === "fixed"));

  const [amd64, arm64] = diff.platforms;
  assert.deepEqual(
    [amd64?.platform, amd64?.keptLayers, arm64?.platform, arm64?.keptLayers],
    ["linux/amd64", 2, "linux/arm64", 1],
  );
  const had = new Set([r1.document.compose, ...blobs(r1, "amd64").map(({ digest }) => digest)]);
  const wanted = blobs(r2, "amd64").filter(({ digest }) => !had.has(digest));
  const own = Buffer.byteLength(JSON.stringify(r2.document)) + Buffer.byteLength(JSON.stringify(r2.compose));
  assert.deepEqual(amd64?.download, {
    blobs: wanted.length + 2,
    sizeBytes: own + wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  });
  assert.ok(amd64.download.sizeBytes < amd64.total.sizeBytes);
  assert.deepEqual(
    amd64.layers.map(({ change }) => change),
    ["added", "removed"],
  );

  const back = await server.client.get(`${PATH}/r1/diff`, ReleaseDiff, { query: { from: "r2" } });
  assert.equal(back.packages[0]?.change, "downgraded");
  assert.ok(back.findings.every((one) => one.change === "new"));
  const same = await server.client.get(`${PATH}/r1/diff`, ReleaseDiff, { query: { from: "r1" } });
  assert.deepEqual([same.compose, same.images, same.packages, same.findings], [[], [], [], []]);
  assert.deepEqual(
    same.platforms.map(({ download }) => download.blobs),
    [0, 0],
  );
  await assert.rejects(
    server.client.get(`${PATH}/r1/diff`, ReleaseDiff, { query: { from: "r9" } }),
    (error) => error instanceof CodedError && error.code === "not-found",
  );
});

function blobs(release: ReleaseDetail, architecture: string): readonly { digest: string; sizeBytes: number }[] {
  const image = Object.values(release.document.images)[0];
  const platform = image!.platforms.find((one) => one.architecture === architecture)!;
  return [{ digest: platform.config, sizeBytes: platform.configSizeBytes }, ...platform.layers];
}
