// The registry as the field's own clients use it, on a real server process. `docker` and `skopeo` have theirs beside the registry.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { buildImage } from "@flotilla/oci/build";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";
import { openLayout } from "@flotilla/oci/layout";
import { runProgram, Scratch, Server } from "../e2e/harness.ts";
import { twoPlatforms, writeLayout } from "./layout.ts";

const CRANE = process.env.FLOTILLA_TEST_CRANE ?? "";
const REGCTL = process.env.FLOTILLA_TEST_REGCTL ?? "";
const PARALLEL_PULLS = 64;

interface Desk {
  readonly server: Server;
  readonly client: RegistryClient;
  readonly scratch: Scratch;
  /** Runs a program that is signed in and expects success; gives what it printed. */
  run(...argv: string[]): Promise<string>;
}

/** Runs `story` with a server and a folder where clients find how to sign in. */
async function atDesk(story: (desk: Desk) => Promise<void>): Promise<void> {
  await using scratch = new Scratch();
  await using server = await Server.start();
  const auth = Buffer.from(`token:${server.token}`).toString("base64");
  scratch.write("config.json", JSON.stringify({ auths: { [server.host]: { auth } } }));
  const env = {
    DOCKER_CONFIG: scratch.path,
    REGISTRY_AUTH_FILE: join(scratch.path, "config.json"),
    REGCTL_CONFIG: join(scratch.path, "regctl.json"),
  };
  const credentials = { kind: "basic", username: "token", password: server.token } as const;
  const client = createRegistryClient({ baseUrl: server.url, credentials });
  const run = async (...argv: string[]) => {
    const result = await runProgram(argv, { cwd: scratch.path, env });
    assert.equal(result.code, 0, `${argv.join(" ")}\n${result.stderr}\n${result.stdout}\n${server.process.describe()}`);
    return result.stdout.trim();
  };
  await story({ server, client, scratch, run });
}

test("crane pushes, checks, copies, tags, pulls and deletes an image of two platforms", () =>
  atDesk(async ({ server, client, scratch, run }) => {
    const index = twoPlatforms("crane");
    writeLayout(join(scratch.path, "in"), index, "v1");
    const name = `${server.host}/default/web`;
    await run(CRANE, "push", "--index", "in", `${name}:v1`);
    const pushed = await client.getManifest("default/web", "v1");
    assert.equal(pushed.manifest.kind, "index");
    await run(CRANE, "validate", "--remote", `${name}:v1`);
    await run(CRANE, "copy", `${name}:v1`, `${server.host}/default/copy/web:v2`);
    await run(CRANE, "tag", `${name}:v1`, "stable");
    assert.equal(await run(CRANE, "digest", `${server.host}/default/copy/web:v2`), pushed.digest);
    assert.deepEqual((await run(CRANE, "ls", name)).split("\n"), ["stable", "v1"]);
    await run(CRANE, "pull", "--format=oci", `${name}:stable`, "out");
    for (const { manifest } of index.images)
      assert.deepEqual(
        readFileSync(join(scratch.path, "out/blobs", ...manifest.digest.split(":"))),
        Buffer.from(manifest.bytes),
      );
    await run(CRANE, "delete", `${name}@${pushed.digest}`);
    assert.equal(await client.headManifest("default/web", "v1"), undefined);
    assert.equal((await client.getManifest("default/copy/web", "v2")).digest, pushed.digest);
  }));

test("regctl copies in and out, mounts, walks referrers, and deletes", () =>
  atDesk(async ({ server, client, scratch, run }) => {
    const index = twoPlatforms("regctl");
    writeLayout(join(scratch.path, "in"), index, "v1");
    const regctl = (...words: string[]) => run(REGCTL, ...words, "--host", `reg=${server.host},tls=disabled`);
    const name = `${server.host}/default/web`;
    await regctl("image", "copy", "ocidir://in:v1", `${name}:v1`);
    assert.equal((await client.getManifest("default/web", "v1")).digest, index.manifest.digest);
    scratch.write("sbom.json", '{"bomFormat":"CycloneDX"}');
    const artifact = ["--artifact-type", "application/vnd.cyclonedx+json", "--file", "sbom.json"];
    await regctl("artifact", "put", ...artifact, "--subject", `${name}:v1`);
    const listed = JSON.parse(await regctl("artifact", "list", `${name}:v1`, "--format", "{{json .}}"));
    assert.equal(listed.descriptors.length, 1);
    const [sbom] = await client.listReferrers("default/web", index.manifest.digest);
    assert.equal(sbom?.artifactType, "application/vnd.cyclonedx+json");
    assert.equal(await regctl("artifact", "get", `${name}@${sbom.digest}`), '{"bomFormat":"CycloneDX"}');
    await regctl("image", "copy", "--referrers", `${name}:v1`, `${server.host}/default/copy:v1`);
    assert.equal((await client.listReferrers("default/copy", index.manifest.digest))[0]?.digest, sbom.digest);
    await regctl("image", "copy", `${server.host}/default/copy:v1`, "ocidir://out:v1");
    assert.equal(openLayout(join(scratch.path, "out")).manifests[0]?.digest, index.manifest.digest);
    assert.equal(await regctl("tag", "ls", `${server.host}/default/copy`), "v1");
    await regctl("tag", "delete", `${name}:v1`);
    assert.equal(await client.headManifest("default/web", "v1"), undefined);
    await regctl("manifest", "delete", `${name}@${index.manifest.digest}`);
    assert.equal(await client.headManifest("default/web", index.manifest.digest), undefined);
  }));

test("signatures are kept as cosign keeps them: by a tag made of the digest, and as referrers", () =>
  atDesk(async ({ server, client, scratch, run }) => {
    const index = twoPlatforms("cosign");
    writeLayout(join(scratch.path, "in"), index, "v1");
    const regctl = (...words: string[]) => run(REGCTL, ...words, "--host", `reg=${server.host},tls=disabled`);
    const name = `${server.host}/default/web`;
    const { digest } = index.manifest;
    await regctl("image", "copy", "ocidir://in:v1", `${name}:v1`);
    scratch.write("payload.json", JSON.stringify({ critical: { image: { "docker-manifest-digest": digest } } }));
    const payload = ["--file", "payload.json", "--file-media-type", "application/vnd.dev.cosign.simplesigning.v1+json"];
    const tag = `${digest.replace(":", "-")}.sig`;
    await regctl("artifact", "put", ...payload, `${name}:${tag}`);
    const signature = await client.getManifest("default/web", tag);
    const [layer] = signature.manifest.kind === "image" ? signature.manifest.layers : [];
    assert.equal(layer?.mediaType, "application/vnd.dev.cosign.simplesigning.v1+json");
    assert.deepEqual(
      await regctl("artifact", "get", `${name}:${tag}`),
      readFileSync(join(scratch.path, "payload.json"), "utf8"),
    );
    const bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    await regctl("artifact", "put", ...payload, "--artifact-type", bundle, "--subject", `${name}:v1`);
    await regctl("artifact", "put", ...payload, "--artifact-type", "application/other", "--subject", `${name}:v1`);
    const filter = ["--filter-artifact-type", bundle, "--format", "{{len .Descriptors}}"];
    assert.equal(await regctl("artifact", "list", ...filter, `${name}:v1`), "1");
  }));

test("buildah builds on a pulled image and pushes the result", () =>
  atDesk(async ({ server, client, scratch, run }) => {
    const [image] = twoPlatforms("buildah").images;
    assert.ok(image !== undefined);
    for (const { digest, bytes } of image.blobs)
      await client.pushBlob("default/base", { digest, sizeBytes: bytes.length, content: bytes });
    await client.putManifest("default/base", "v1", image.manifest);
    for (const folder of ["root", "runroot", "tmp"]) mkdirSync(join(scratch.path, folder));
    const policy = scratch.write("policy.json", JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
    const store = [
      "--storage-driver",
      "vfs",
      "--root",
      join(scratch.path, "root"),
      "--runroot",
      join(scratch.path, "runroot"),
    ];
    const access = ["--tls-verify=false", "--signature-policy", policy];
    const buildah = (verb: string, ...words: string[]) =>
      run("env", `TMPDIR=${scratch.path}/tmp`, "buildah", ...store, verb, ...words);
    const base = `docker://${server.host}/default/base:v1`;
    const container = await buildah("from", ...access, base);
    scratch.write("added.txt", "by buildah");
    await buildah("copy", container, join(scratch.path, "added.txt"), "/added.txt");
    const built = await buildah("commit", "--signature-policy", policy, container);
    await buildah("push", ...access, built.split("\n").at(-1) ?? "", `docker://${server.host}/default/built:v1`);
    const pushed = await client.getManifest("default/built", "v1");
    assert.equal(pushed.manifest.kind === "image" && pushed.manifest.layers.length, 3);
    await buildah("rmi", "--all", "--force");
    await buildah("pull", ...access, `docker://${server.host}/default/built:v1`);
    const scan = await server.get<{ state: string }>(`/api/v1/projects/default/scans/${pushed.digest}?waitSeconds=30`);
    assert.equal(scan.state, "done");
  }));

test(`${PARALLEL_PULLS} parallel pulls of one image get every byte`, () =>
  atDesk(async ({ client }) => {
    const files = {
      "data.bin": createHash("shake256", { outputLength: 4 * 2 ** 20 })
        .update("pulls")
        .digest(),
    };
    const image = buildImage({ files });
    for (const { digest, bytes } of image.blobs)
      await client.pushBlob("default/web", { digest, sizeBytes: bytes.length, content: bytes });
    await client.putManifest("default/web", "v1", image.manifest);
    const pull = async (): Promise<readonly Digest[]> => {
      const { digest, manifest } = await client.getManifest("default/web", "v1");
      const blobs = manifest.kind === "image" ? [manifest.config, ...manifest.layers] : [];
      return [digest, ...(await Promise.all(blobs.map((blob) => digestOf(client, blob.digest))))];
    };
    const pulls = await Promise.all(Array.from({ length: PARALLEL_PULLS }, pull));
    const wanted = [
      image.manifest.digest,
      image.config.digest,
      ...image.layers.map(({ descriptor }) => descriptor.digest),
    ];
    for (const digests of pulls) assert.deepEqual(digests, wanted);
  }));

/** The digest of what a blob's bytes really are. */
async function digestOf(client: RegistryClient, blob: Digest): Promise<Digest> {
  const hash = createHash("sha256");
  const { body } = await client.openBlob("default/web", blob);
  for await (const chunk of body) hash.update(chunk);
  return asDigest(`sha256:${hash.digest("hex")}`);
}
