import assert from "node:assert/strict";
import { test } from "node:test";
import { buildImage, buildIndex } from "@flotilla/oci/build";
import { ReleaseDetail } from "@flotilla/protocol/api/releases";
import { startTestServer } from "../testing.ts";
import { type PlatformMarks, provenanceOf } from "./provenance.ts";
import { push, releaseRequest } from "./release.fixture.ts";

const mark = (name: string, value: unknown) => ({ [`org.opencontainers.image.${name}`]: value });
const labels = (...marks: readonly object[]): PlatformMarks => ({
  annotations: undefined,
  labels: Object.assign({}, ...marks),
});

type Case = readonly [what: string, index: object | undefined, platforms: readonly PlatformMarks[], kept: object];
const CASES: readonly Case[] = [
  ["nothing", undefined, [{ annotations: undefined, labels: undefined }], {}],
  ["labels", undefined, [labels(mark("revision", "abc"), { maintainer: "me" })], { revision: "abc" }],
  [
    "annotations before labels, the index before both",
    mark("version", "3"),
    [{ annotations: { ...mark("version", "2"), ...mark("source", "2") }, labels: { ...mark("source", "1") } }],
    { source: "2", version: "3" },
  ],
  [
    "what platforms do not agree on is left out",
    undefined,
    [labels(mark("revision", "a"), mark("created", "1")), labels(mark("revision", "a"), mark("created", "2"))],
    { revision: "a" },
  ],
  ["a password in an address is left out", undefined, [labels(mark("source", "https://me:secret@host.example/x"))], {}],
  [
    "an address with a mail is kept",
    undefined,
    [labels(mark("authors", "me@host.example"))],
    { authors: "me@host.example" },
  ],
  [
    "what is overlong or not text is left out",
    undefined,
    [labels(mark("title", "x".repeat(513)), mark("version", "1\n2"), mark("url", 7), mark("vendor", ""))],
    {},
  ],
  ["names of layouts and odd keys are left out", undefined, [labels(mark("ref.name", "v1"), mark("X", "v"))], {}],
];
for (const [what, index, platforms, kept] of CASES)
  test(`provenance: ${what}`, () =>
    assert.deepEqual(provenanceOf(index as Record<string, unknown> | undefined, platforms), kept));

test("provenance: many keys are bounded", () => {
  const many = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`org.opencontainers.image.${letters(index)}`, "x"]),
  );
  assert.equal(Object.keys(provenanceOf(many, [])).length, 24);
});

function letters(index: number): string {
  return String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26));
}

test("a release keeps where its images say they come from, and is another release when that changes", async () => {
  await using server = await startTestServer();
  const on = (architecture: string, revision: string) =>
    buildImage({
      files: { "bin/web": "v1" },
      platform: { os: "linux", architecture },
      config: { Labels: { "org.opencontainers.image.revision": revision, other: "x" } },
    });
  const release = async (revision: string) => {
    const digest = await push(server, "default/web", buildIndex([on("amd64", revision), on("arm64", revision)]));
    const body = await releaseRequest("name: shop\nservices:\n  web: { image: web:1 }\n", { "web:1": digest });
    return server.client.post("/api/v1/projects/default/apps/shop/releases", body, ReleaseDetail);
  };
  const first = await release("abc");
  assert.deepEqual(first.document.images["web:1"]?.provenance, { revision: "abc" });
  assert.notEqual((await release("def")).digest, first.digest);
  assert.equal((await release("abc")).digest, first.digest);
});
