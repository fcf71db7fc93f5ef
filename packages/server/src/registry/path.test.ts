import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import { parseManifestName, parseRegistryPath } from "./path.ts";
import { parseContentRange, parseRange } from "./range.ts";

const digest = sha256("x");
const upload = "0193a5b0-0000-4000-8000-0123456789ab";

const PATHS: readonly [path: string, expected: ReturnType<typeof parseRegistryPath>][] = [
  ["p/a/blobs/uploads", { kind: "uploads", repository: "p/a" }],
  ["p/a/blobs/uploads/", { kind: "uploads", repository: "p/a" }],
  [`p/a/blobs/uploads/${upload}`, { kind: "upload", repository: "p/a", upload }],
  [`p/a/b/blobs/${digest}`, { kind: "blob", repository: "p/a/b", digest }],
  ["p/a/manifests/v1", { kind: "manifest", repository: "p/a", name: { kind: "tag", tag: "v1" } }],
  [`p/a/manifests/${digest}`, { kind: "manifest", repository: "p/a", name: { kind: "digest", digest } }],
  [
    "p/manifests/blobs/manifests/v1",
    { kind: "manifest", repository: "p/manifests/blobs", name: { kind: "tag", tag: "v1" } },
  ],
  ["p/a/tags/list", { kind: "tags", repository: "p/a" }],
  [`p/a/referrers/${digest}`, { kind: "referrers", repository: "p/a", digest }],
];
for (const [path, expected] of PATHS) test(`path ${path}`, () => assert.deepEqual(parseRegistryPath(path), expected));

const BAD: readonly [path: string, code: string][] = [
  ["p/a", "not-found"],
  ["p/a/tags/other", "not-found"],
  ["_catalog", "not-found"],
  ["p/manifests/v1", "name-invalid"],
  ["P/A/manifests/v1", "name-invalid"],
  ["p/../q/manifests/v1", "name-invalid"],
  ["p/a/blobs/sha256:../../x", "not-found"],
  ["p/a/blobs/sha256:12", "digest-invalid"],
  ["p/a/manifests/.v1", "tag-invalid"],
  ["p/a/manifests/sha256:12", "digest-invalid"],
  ["p/a/blobs/uploads/..%2f", "upload-unknown"],
];
for (const [path, code] of BAD) test(`no path: ${path}`, () => assert.throws(() => parseRegistryPath(path), { code }));

test("a name with a colon is a digest", () => {
  assert.throws(() => parseManifestName("a:b"), { code: "digest-invalid" });
});

const RANGES: readonly [header: string | undefined, expected: ReturnType<typeof parseRange>][] = [
  [undefined, undefined],
  ["bytes=0-4", { start: 0, end: 5 }],
  ["bytes=5-", { start: 5, end: 10 }],
  ["bytes=5-100", { start: 5, end: 10 }],
  ["bytes=-3", { start: 7, end: 10 }],
  ["bytes=-30", { start: 0, end: 10 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-4", undefined],
  ["bytes=-", undefined],
  ["bytes=0-1,3-4", undefined],
  ["lines=1-2", undefined],
];
for (const [header, expected] of RANGES)
  test(`Range ${header} of ten bytes`, () => assert.deepEqual(parseRange(header, 10), expected));

const CONTENT_RANGES: readonly [header: string, expected: ReturnType<typeof parseContentRange>][] = [
  ["0-9", { start: 0, end: 10 }],
  ["bytes 5-9/10", { start: 5, end: 10 }],
  ["bytes=5-9", { start: 5, end: 10 }],
  ["9-5", undefined],
  ["-5", undefined],
  ["a-b", undefined],
];
for (const [header, expected] of CONTENT_RANGES)
  test(`Content-Range ${header}`, () => assert.deepEqual(parseContentRange(header), expected));
