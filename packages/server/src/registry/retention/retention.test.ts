import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { buildImage } from "@flotilla/oci/build";
import { CollectResult, RetentionPolicy, RetentionResult } from "@flotilla/protocol/api/registry-upkeep";
import { ReleaseDetail } from "@flotilla/protocol/api/releases";
import { createReleaseGuard } from "../../releases/contents.ts";
import { releaseRequest } from "../../releases/release.fixture.ts";
import { startTestServer } from "../../testing.ts";
import { pushImage, registryClient } from "../testing.ts";
import { applyPlan } from "./apply.ts";
import { loadRepository } from "./load.ts";
import { planRetention } from "./plan.ts";

const PATH = "/api/v1/projects/default/registry";
const DAY = 86_400_000;
const IMAGES = [1, 2, 3, 4].map((n) => buildImage({ files: [{ base: "b" }, { app: `v${n}` }] }));

async function startWithImages() {
  const time = { plus: 0 };
  const clock = { ...systemClock, now: () => systemClock.now() + time.plus };
  const server = await startTestServer({ clock });
  const client = registryClient(server);
  for (const [at, image] of IMAGES.entries()) {
    await pushImage(client, "default/web", `v${at + 1}`, image);
    time.plus += DAY * 2;
  }
  return { server, client, time };
}

test("a policy is previewed, set and run; releases stay, the rest frees its bytes, and the log says so", async () => {
  const { server, client, time } = await startWithImages();
  await using _ = server;
  const request = await releaseRequest("name: shop\nservices:\n  web:\n    image: web:1\n", {
    "web:1": IMAGES[0]!.manifest.digest,
  });
  await server.client.post("/api/v1/projects/default/apps/shop/releases", request, ReleaseDetail, {
    timeoutMs: 60_000,
  });
  const policy = { rules: [{ repositories: "web", keepLast: 1, keepTags: ["v2"] }] };
  assert.deepEqual(await server.client.get(`${PATH}/retention`, RetentionPolicy), { rules: [] });
  const nothing = await server.client.post(`${PATH}/retention/run`, {}, RetentionResult);
  assert.deepEqual(nothing, { tags: 0, manifests: 0, removals: [] });
  const preview = await server.client.post(`${PATH}/retention/preview`, { policy }, RetentionResult);
  // v1 is needed by a release: its tag goes, the image stays.
  const [one, , three] = IMAGES.map((image) => image.manifest.digest);
  assert.deepEqual(preview, {
    tags: 2,
    manifests: 1,
    removals: [
      { repository: "default/web", tag: "v1", digest: one },
      { repository: "default/web", tag: "v3", digest: three },
      { repository: "default/web", digest: three },
    ],
  });
  assert.notEqual(await client.headManifest("default/web", "v3"), undefined);
  assert.deepEqual(await server.client.put(`${PATH}/retention`, policy, RetentionPolicy), policy);
  assert.deepEqual(await server.client.post(`${PATH}/retention/run`, {}, RetentionResult), preview);
  assert.equal(await client.headManifest("default/web", three!), undefined);
  for (const name of [one!, "v2", "v4"]) assert.notEqual(await client.headManifest("default/web", name), undefined);
  const events = await server.context.events.before(undefined, { project: "default", limit: 50 });
  assert.equal(events.filter(({ action }) => action === "retention.applied").length, 2);
  assert.equal(events.filter(({ action }) => action === "retention-policy.changed").length, 1);

  await server.client.post(`${PATH}/gc`, {}, CollectResult);
  time.plus += DAY + 1;
  const { freedBytes } = await server.client.post(`${PATH}/gc`, {}, CollectResult);
  // Its own layer and its config; the base is the others' too.
  assert.equal(
    freedBytes,
    IMAGES[2]!.blobs
      .filter(({ digest }) => !IMAGES[0]!.blobs.some((blob) => blob.digest === digest))
      .reduce((sum, { bytes }) => sum + bytes.length, 0),
  );
});

test("what is pushed or tagged after the plan was made stays", async () => {
  const { server, client } = await startWithImages();
  await using _ = server;
  const { database, clock } = server.context;
  const state = await loadRepository(database.read, "default/web");
  const plan = planRetention(state, { repositories: "*", keepLast: 1 }, clock.now());
  assert.deepEqual(plan.tags.map(({ tag }) => tag).sort(), ["v1", "v2", "v3"]);
  await client.putManifest("default/web", "v1", IMAGES[0]!.manifest);
  await client.putManifest("default/web", "other", IMAGES[1]!.manifest);
  const ports = { ...server.context, releaseGuard: createReleaseGuard() };
  const actor = { kind: "system", id: "test" } as const;
  const removed = await applyPlan(ports, { repository: "default/web", state, plan, actor });
  assert.deepEqual(removed.tags.map(({ tag }) => tag).sort(), ["v2", "v3"]);
  assert.deepEqual(removed.manifests, [IMAGES[2]!.manifest.digest]);
});

const BAD: readonly [what: string, policy: unknown][] = [
  ["an unknown key", { rules: [{ repositories: "*", keep: 1 }] }],
  ["no repositories", { rules: [{ keepLast: 1 }] }],
  ["keeping none", { rules: [{ repositories: "*", keepLast: 0 }] }],
  ["a pattern of other characters", { rules: [{ repositories: "(a+)+" }] }],
];
test("a policy that says something else is refused", async () => {
  await using server = await startTestServer();
  for (const [what, policy] of BAD)
    await assert.rejects(
      server.client.put(`${PATH}/retention`, policy, RetentionPolicy),
      { code: "invalid-request" },
      what,
    );
});
