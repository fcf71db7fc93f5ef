// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { buildImage, buildIndex } from "@flotilla/oci/build";
import { sha256 } from "@flotilla/oci/hash";
import { parseManifest } from "@flotilla/oci/manifest";
import {
  AppList,
  type Gate,
  type GateReason,
  ProjectPolicy,
  ReleaseDetail,
  ReleaseList,
  ReleasePreview,
} from "@flotilla/protocol/api/releases";
import { RELEASE_ARTIFACT_TYPE, SBOM_ARTIFACT_TYPE, VERDICT_ARTIFACT_TYPE } from "@flotilla/protocol/release";
import { startTestServer, type TestServer } from "../testing.ts";
import { compose, goodImage, push, registryClient, releaseRequest, vulnerableImage } from "./release.fixture.ts";
import { createReleases } from "./routes.ts";

const PATH = "/api/v1/projects/default/apps/shop/releases";
const SHOP = "name: shop\nservices:\n  web: { image: web:1 }\n";

const create = (server: TestServer, body: unknown) => server.client.post(PATH, body, ReleaseDetail);

async function refusal(promise: Promise<unknown>): Promise<CodedError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    return error;
  }
  return assert.fail("it was not refused");
}

async function actions(server: TestServer): Promise<readonly string[]> {
  const events = await server.context.events.after(0, { project: "default", limit: 1000 });
  return events.map((event) => event.action).filter((action) => action.startsWith("release."));
}

async function readJson(server: TestServer, repository: string, digest: string): Promise<Record<string, unknown>> {
  const parts: Uint8Array[] = [];
  for await (const part of registryClient(server).readBlob(repository, { digest: asDigest(digest) })) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

test("a release is an artifact that pins the app and every image, with SBOM and verdict attached", async () => {
  await using server = await startTestServer();
  const image = goodImage();
  const digest = await push(server, "default/web", image);
  const release = await create(server, await releaseRequest(SHOP, { "web:1": digest }));
  assert.deepEqual(
    [release.app, release.tag, release.repository, release.outcome],
    ["shop", "r1", "default/shop", "pass"],
  );

  const client = registryClient(server);
  const stored = await client.getManifest("default/shop", "r1");
  assert.equal(stored.digest, release.digest);
  assert.equal(sha256(stored.bytes), release.digest);
  const manifest = parseManifest(stored.bytes);
  assert.ok(manifest.kind === "image");
  assert.equal(manifest.artifactType, RELEASE_ARTIFACT_TYPE);
  const document = await readJson(server, "default/shop", manifest.config.digest);
  assert.deepEqual(document, release.document);
  const platform = release.document.images["web:1"]?.platforms[0];
  assert.equal(platform?.config, image.config.digest);
  assert.deepEqual(
    platform?.layers.map((layer) => layer.diffId),
    image.layers.map((layer) => layer.diffId),
  );
  const app = await readJson(server, "default/shop", manifest.layers[0]!.digest);
  assert.equal(app["name"], "shop");
  assert.equal(manifest.layers[0]?.digest, release.document.compose);

  const referrers = await client.listReferrers("default/shop", asDigest(release.digest));
  assert.deepEqual(Object.fromEntries(referrers.map((referrer) => [referrer.artifactType, referrer.digest])), {
    [SBOM_ARTIFACT_TYPE]: release.referrers.sbom,
    [VERDICT_ARTIFACT_TYPE]: release.referrers.verdict,
  });
  assert.deepEqual(await actions(server), ["release.created"]);
});

test("the same app and images are the same release; anything else is the next", async () => {
  await using server = await startTestServer();
  const first = await push(server, "default/web", goodImage("v1", { created: "2026-03-04T05:06:07Z" }));
  const body = await releaseRequest(SHOP, { "web:1": first });
  const release = await create(server, body);
  assert.equal(release.document.createdAt, "2026-03-04T05:06:07.000Z");
  assert.equal((await create(server, body)).digest, release.digest);
  const [a, b] = await Promise.all([create(server, body), create(server, body)]);
  assert.deepEqual([a.tag, b.tag], ["r1", "r1"]);
  const second = await push(server, "default/web", goodImage("v2"));
  const next = await create(server, await releaseRequest(SHOP, { "web:1": second }));
  assert.equal(next.tag, "r2");
  assert.notEqual(next.digest, release.digest);
  const changed = SHOP.replace("web:1 }", "web:1, environment: { A: b } }");
  assert.equal((await create(server, await releaseRequest(changed, { "web:1": second }))).tag, "r3");
  assert.deepEqual(await actions(server), ["release.created", "release.created", "release.created"]);
});

test("two servers give the same input the same digest", async () => {
  const digests: string[] = [];
  for (let round = 0; round < 2; round++) {
    await using server = await startTestServer();
    const digest = await push(server, "default/web", goodImage());
    digests.push((await create(server, await releaseRequest(SHOP, { "web:1": digest }))).digest);
  }
  assert.equal(digests[0], digests[1]);
});

test("a blocked image makes no release: the refusal names rule, finding, image, layer and what would pass", async () => {
  await using server = await startTestServer();
  const image = vulnerableImage();
  const digest = await push(server, "default/web", image);
  const body = await releaseRequest(SHOP, { "web:1": digest });
  const error = await refusal(create(server, body));
  assert.equal(error.code, "release-blocked");
  const [reason] = error.details["reasons"] as readonly GateReason[];
  assert.equal(reason?.outcome, "block");
  assert.equal(reason?.rule, "fixable-critical-and-high");
  assert.equal(reason?.image, "web:1");
  assert.equal(reason?.finding?.location.layer, image.layers[1]?.diffId);
  assert.equal(reason?.finding?.fixed, "3.0.0");
  assert.match(reason?.message ?? "", /version 3\.0\.0 would pass/);
  assert.equal((await server.client.get("/api/v1/projects/default/apps", AppList)).items.length, 0);
  assert.deepEqual(await actions(server), ["release.blocked"]);

  const policy = "rules:\n  - { name: accepted, packages: ['pkg:npm/jquery@*'], action: warn }\n";
  await server.client.put("/api/v1/projects/default/policy", { text: policy }, ProjectPolicy);
  const release = await create(server, body);
  assert.equal(release.outcome, "warn");
  assert.ok(release.gate.reasons.some((warning) => warning.rule === "accepted"));

  const attached = async (referrer: string) => {
    const manifest = parseManifest((await registryClient(server).getManifest("default/shop", referrer)).bytes);
    assert.ok(manifest.kind === "image" && manifest.subject?.digest === release.digest);
    return readJson(server, "default/shop", manifest.layers[0]!.digest);
  };
  const sbom = await attached(release.referrers.sbom);
  const components = sbom["components"] as readonly { readonly purl: string }[];
  assert.deepEqual([sbom["specVersion"], components.map(({ purl }) => purl)], ["1.6", ["pkg:npm/jquery@2.2.4"]]);
  const verdict = await attached(release.referrers.verdict);
  assert.deepEqual([verdict["outcome"], verdict["release"], verdict["policy"]], ["warn", release.digest, "default"]);
  assert.deepEqual(verdict["reasons"], release.gate.reasons);
});

test("a dry run tells what the gate says and makes nothing", async () => {
  await using server = await startTestServer();
  const digest = await push(server, "default/web", vulnerableImage());
  const body = await releaseRequest(SHOP, { "web:1": digest }, { dryRun: true });
  const { gate } = await server.client.post(PATH, body, ReleasePreview);
  assert.equal((gate as Gate).outcome, "block");
  assert.deepEqual(await actions(server), []);
});

test("platforms of an index are chosen, and a platform that is not there is refused", async () => {
  await using server = await startTestServer();
  const on = (architecture: string) =>
    buildImage({ files: { "bin/web": architecture }, platform: { os: "linux", architecture } });
  const digest = await push(server, "default/web", buildIndex([on("amd64"), on("arm64")]));
  const all = await create(server, await releaseRequest(SHOP, { "web:1": digest }));
  const architectures = (release: ReleaseDetail) =>
    release.document.images["web:1"]?.platforms.map((platform) => platform.architecture);
  assert.deepEqual(architectures(all), ["amd64", "arm64"]);
  const one = await create(server, await releaseRequest(SHOP, { "web:1": digest }, { platforms: ["linux/arm64"] }));
  assert.deepEqual(architectures(one), ["arm64"]);
  const body = await releaseRequest(SHOP, { "web:1": digest }, { platforms: ["linux/riscv64"] });
  assert.equal((await refusal(create(server, body))).code, "platform-missing");
});

test("configs are layers of the release", async () => {
  await using server = await startTestServer();
  const digest = await push(server, "default/web", goodImage());
  const text = `${SHOP.replace("web:1 }", "web:1, configs: [motd] }")}configs:\n  motd: { file: motd.txt }\n`;
  const { app, files } = await compose(text, { "motd.txt": "hello" });
  const body = { compose: app, images: [{ reference: "web:1", repository: "default/web", digest }] };
  assert.equal((await refusal(create(server, body))).code, "file-unknown");
  const [file] = files;
  assert.ok(file !== undefined);
  const blob = { digest: file.digest, sizeBytes: file.bytes.length, content: file.bytes };
  await registryClient(server).pushBlob("default/shop", blob);
  const release = await create(server, body);
  const stored = await registryClient(server).getManifest("default/shop", release.digest);
  const manifest = parseManifest(stored.bytes);
  assert.ok(manifest.kind === "image");
  assert.deepEqual(
    manifest.layers.map((layer) => layer.digest),
    [release.document.compose, file.digest],
  );
});

test("what comes from outside is not trusted", async () => {
  await using server = await startTestServer();
  const digest = await push(server, "default/web", goodImage());
  const body = await releaseRequest(SHOP, { "web:1": digest });
  const image = body.images[0]!;
  const web = body.compose.services["web"]!;
  const withWeb = (change: object) => ({
    ...body,
    compose: { ...body.compose, services: { web: { ...web, ...change } } },
  });
  const cases: readonly (readonly [what: string, request: unknown, code: string])[] = [
    ["another app's name", { ...body, compose: { ...body.compose, name: "other" } }, "invalid-request"],
    ["an unknown member", withWeb({ notAField: "x" }), "invalid-request"],
    [
      "a volume that is not declared",
      withWeb({ mounts: [{ kind: "volume", volume: "x", target: "/x", readOnly: false }] }),
      "invalid-request",
    ],
    ["a template of no variable", withWeb({ environment: { A: "${NOPE}" } }), "invalid-request"],
    ["the agent's labels", withWeb({ labels: { "io.flotilla.app": "other" } }), "invalid-request"],
    [
      "a dependency on itself",
      withWeb({ dependsOn: { web: { condition: "service_started", required: true, restart: false } } }),
      "invalid-request",
    ],
    ["no image", { ...body, images: [{ ...image, reference: "other:1" }] }, "invalid-request"],
    ["a foreign repository", { ...body, images: [{ ...image, repository: "other/web" }] }, "image-unknown"],
    ["an unknown digest", { ...body, images: [{ ...image, digest: `sha256:${"0".repeat(64)}` }] }, "image-unknown"],
  ];
  for (const [what, request, code] of cases) assert.equal((await refusal(create(server, request))).code, code, what);
  const noScope = server.clientWith(undefined);
  assert.equal((await refusal(noScope.post(PATH, body, ReleaseDetail))).code, "unauthenticated");
  assert.deepEqual(await actions(server), []);
});

test("an artifact that is no image is refused", async () => {
  await using server = await startTestServer();
  const digest = await push(server, "default/web", goodImage());
  const release = await create(server, await releaseRequest(SHOP, { "web:1": digest }));
  const body = await releaseRequest(SHOP, { "web:1": release.digest });
  const image = { ...body.images[0]!, repository: "default/shop" };
  assert.equal((await refusal(create(server, { ...body, images: [image] }))).code, "image-invalid");
});

test("releases are listed newest first, shown by digest or tag, and found by other features", async () => {
  await using server = await startTestServer();
  const made: ReleaseDetail[] = [];
  for (const text of ["v1", "v2", "v3"]) {
    const digest = await push(server, "default/web", goodImage(text));
    made.push(await create(server, await releaseRequest(SHOP, { "web:1": digest })));
  }
  const page = await server.client.get(PATH, ReleaseList, { query: { limit: 2 } });
  assert.deepEqual(
    page.items.map((item) => item.tag),
    ["r3", "r2"],
  );
  const rest = await server.client.get(PATH, ReleaseList, { query: { limit: 2, cursor: page.next } });
  assert.deepEqual([rest.items.map((item) => item.tag), rest.next], [["r1"], undefined]);
  const apps = await server.client.get("/api/v1/projects/default/apps", AppList);
  assert.deepEqual(
    apps.items.map((app) => [app.name, app.releases, app.latest?.tag]),
    [["shop", 3, "r3"]],
  );
  assert.deepEqual(await server.client.get(`${PATH}/r2`, ReleaseDetail), made[1]);
  assert.deepEqual(await server.client.get(`${PATH}/${made[1]?.digest}`, ReleaseDetail), made[1]);
  assert.equal((await refusal(server.client.get(`${PATH}/r9`, ReleaseDetail))).code, "not-found");

  const releases = createReleases(server.context);
  const known = await releases.find("default", "shop", "r2");
  assert.deepEqual([known?.digest, known?.repository, known?.variables], [made[1]?.digest, "default/shop", {}]);
  assert.equal(await releases.find("other", "shop", "r2"), undefined);
  assert.equal(await releases.find("default", "shop", "r02"), undefined);
});
