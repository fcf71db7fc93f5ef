import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { canonicalJson } from "@flotilla/base/canonical-json";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { buildImage, buildIndex } from "@flotilla/oci/build";
import { sha256 } from "@flotilla/oci/hash";
import { ReleaseExport, ReleaseKey, SignedExport } from "@flotilla/protocol/api/release-transfer";
import { ReleaseDetail } from "@flotilla/protocol/api/releases";
import { preAuthEncoding } from "@flotilla/protocol/dsse";
import { Value } from "typebox/value";
import { startTestServer, type TestServer } from "../../testing.ts";
import { npmPackage, push, registryClient, releaseRequest } from "../release.fixture.ts";

const APP = "/api/v1/projects/default/apps/shop";

const on = (architecture: string, package_ = npmPackage("left-pad", "1.3.0")) =>
  buildImage({
    files: [{ "bin/web": architecture }, package_],
    platform: { os: "linux", architecture },
    config: { Labels: { "org.opencontainers.image.revision": "abc" } },
  });

async function makeRelease(server: TestServer): Promise<ReleaseDetail> {
  const digest = await push(server, "default/web", buildIndex([on("amd64"), on("arm64")]));
  const body = await releaseRequest("name: shop\nservices: { web: { image: web:1 } }\n", { "web:1": digest });
  return server.client.post(`${APP}/releases`, body, ReleaseDetail);
}

async function exported(server: TestServer, platforms?: readonly string[]): Promise<ReleaseExport> {
  const body = platforms === undefined ? {} : { platforms };
  const { envelope, key } = await server.client.post(`${APP}/releases/r1/export`, body, SignedExport);
  const payload = Buffer.from(envelope.payload, "base64");
  const publicKey = createPublicKey({ key: Buffer.from(key.publicKey, "base64"), format: "der", type: "spki" });
  const signature = Buffer.from(envelope.signatures[0]!.sig, "base64");
  assert.ok(verify(null, preAuthEncoding(envelope.payloadType, payload), publicKey, signature));
  assert.deepEqual(await server.client.get("/api/v1/projects/default/release-key", ReleaseKey), key);
  const document: unknown = JSON.parse(payload.toString());
  assert.ok(Value.Check(ReleaseExport, document));
  return document;
}

/** Carries what the listing names, as `flotilla release import` does. */
async function carry(from: TestServer, to: TestServer, { contents }: ReleaseExport): Promise<void> {
  const [source, target] = [registryClient(from), registryClient(to)];
  for (const { kind, repository, digest: text, sizeBytes } of contents) {
    const digest = asDigest(text);
    if (kind === "manifest") await target.putManifest(repository, digest, await source.getManifest(repository, digest));
    else
      await target.pushBlob(repository, {
        digest,
        sizeBytes,
        content: () => source.readBlob(repository, { digest, size: sizeBytes }),
      });
  }
}

const bringIn = (server: TestServer, release: string, app = "shop") =>
  server.client.post(`/api/v1/projects/default/apps/${app}/release-imports`, { release }, ReleaseDetail);

async function refusal(promise: Promise<unknown>): Promise<CodedError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    return error;
  }
  return assert.fail("it was not refused");
}

test("a release of one server becomes the same release of another, through the gate there", async () => {
  await using from = await startTestServer();
  await using to = await startTestServer();
  const release = await makeRelease(from);
  const listing = await exported(from);
  assert.deepEqual(
    [listing.app, listing.tag, listing.release, listing.platforms],
    ["shop", "r1", release.digest, ["linux/amd64", "linux/arm64"]],
  );
  await carry(from, to, listing);
  const imported = await bringIn(to, release.digest);
  assert.equal(imported.digest, release.digest);
  assert.deepEqual(imported.document, release.document);
  assert.deepEqual(imported.compose, release.compose);
  const client = registryClient(to);
  assert.equal((await client.getManifest("default/shop", "r1")).digest, release.digest);
  for (const { kind, repository, digest } of listing.contents)
    if (kind === "manifest") assert.equal((await client.getManifest(repository, digest)).digest, digest);
    else assert.notEqual(await client.blobSize(repository, asDigest(digest)), undefined);
  const referrers = await client.listReferrers("default/shop", asDigest(release.digest));
  const digests = referrers.map(({ digest }) => digest as string);
  for (const digest of [release.referrers.sbom, release.referrers.verdict, imported.referrers.verdict])
    assert.ok(digests.includes(digest), "both servers' words hang on it");
  assert.equal((await bringIn(to, release.digest)).tag, "r1", "a second time it is the same");
});

test("a file for one platform makes a release that runs there", async () => {
  await using from = await startTestServer();
  await using to = await startTestServer();
  const release = await makeRelease(from);
  const listing = await exported(from, ["linux/arm64"]);
  assert.deepEqual(listing.platforms, ["linux/arm64"]);
  const amd64 = release.document.images["web:1"]!.platforms[0]!;
  assert.ok(!listing.contents.some(({ digest }) => digest === amd64.config));
  await carry(from, to, listing);
  assert.equal((await bringIn(to, release.digest)).digest, release.digest);
  assert.equal(
    (await refusal(from.client.post(`${APP}/releases/r1/export`, { platforms: ["linux/riscv64"] }, SignedExport))).code,
    "platform-missing",
  );
});

test("the gate of the importing server blocks what it does not let pass", async () => {
  await using from = await startTestServer();
  await using to = await startTestServer();
  const lax = "rules: []\n";
  await from.client.put("/api/v1/projects/default/policy", { text: lax }, (await import("typebox")).Type.Unknown());
  const digest = await push(from, "default/web", on("amd64", npmPackage("jquery", "2.2.4")));
  const body = await releaseRequest("name: shop\nservices: { web: { image: web:1 } }\n", { "web:1": digest });
  const release = await from.client.post(`${APP}/releases`, body, ReleaseDetail);
  await carry(from, to, await exported(from));
  assert.equal((await refusal(bringIn(to, release.digest))).code, "release-blocked");
});

test("an artifact that is not what a server would have made is refused", async () => {
  await using server = await startTestServer();
  const release = await makeRelease(server);
  const client = registryClient(server);
  const encode = (value: unknown) => new TextEncoder().encode(canonicalJson(value));
  const manifest = JSON.parse(Buffer.from((await client.getManifest("default/shop", "r1")).bytes).toString());
  async function forge(document: unknown, more: object = {}): Promise<Digest> {
    const config = encode(document);
    await client.pushBlob("default/shop", { digest: sha256(config), sizeBytes: config.length, content: config });
    const descriptor = { ...manifest.config, digest: sha256(config), size: config.length };
    const bytes = encode({ ...manifest, config: descriptor, ...more });
    return client.putManifest("default/shop", sha256(bytes), { bytes, mediaType: manifest.mediaType });
  }
  const { document } = release;
  const image = document.images["web:1"]!;
  const withImage = (change: object) => ({ ...document, images: { "web:1": { ...image, ...change } } });
  const [platform, ...others] = image.platforms;
  const layers = platform!.layers.map((layer) => ({ ...layer, diffId: `sha256:${"1".repeat(64)}` }));
  const cases: readonly (readonly [what: string, digest: Digest, code: string])[] = [
    ["another app", await forge({ ...document, app: "other" }), "release-invalid"],
    ["a forged revision", await forge(withImage({ provenance: { revision: "forged" } })), "release-invalid"],
    ["forged layers", await forge(withImage({ platforms: [{ ...platform, layers }, ...others] })), "release-invalid"],
    ["another image", await forge(withImage({ digest: `sha256:${"2".repeat(64)}` })), "image-unknown"],
    ["another project", await forge(withImage({ repository: "other/web" })), "project-differs"],
    [
      "an image that no service has",
      await forge({ ...document, images: { ...document.images, "x:1": { ...image, reference: "x:1" } } }),
      "invalid-request",
    ],
    ["an image under another name", await forge(withImage({ reference: "x:1" })), "release-invalid"],
    ["no document", await forge({ format: 2 }), "release-invalid"],
    ["more in the manifest", await forge(document, { annotations: { a: "b" } }), "release-invalid"],
    ["an image, not a release", asDigest(release.referrers.sbom), "release-invalid"],
    ["nothing", asDigest(`sha256:${"3".repeat(64)}`), "image-unknown"],
  ];
  for (const [what, digest, code] of cases) assert.equal((await refusal(bringIn(server, digest))).code, code, what);
});
