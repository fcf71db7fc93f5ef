import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { canonicalJson } from "@flotilla/base/canonical-json";
import { isCoded } from "@flotilla/base/errors";
import { sha256 } from "@flotilla/oci/hash";
import { tarOf } from "@flotilla/oci/tar/write";
import { RELEASE_EXPORT_PAYLOAD_TYPE, type ReleaseExport } from "@flotilla/protocol/api/release-transfer";
import { preAuthEncoding } from "@flotilla/protocol/dsse";
import { readTrustedKey } from "./export-envelope.ts";
import { blobEntry, ENVELOPE_ENTRY, openReleaseFile } from "./release-file.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-file-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const pair = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const publicText = (key: typeof pair) => key.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const trusted = readTrustedKey(publicText(pair));

const BLOB = "the bytes of a blob";
const MANIFEST = '{"schemaVersion":2}';
const content = (kind: "blob" | "manifest", text: string) => ({
  kind,
  repository: "default/shop",
  digest: sha256(text),
  sizeBytes: text.length,
  mediaType: "application/octet-stream",
});
const DOCUMENT: ReleaseExport = {
  format: 1,
  app: "shop",
  tag: "r1",
  release: sha256(MANIFEST),
  exportedAt: "2026-01-01T00:00:00.000Z",
  server: "https://fleet.example",
  platforms: ["linux/amd64"],
  contents: [content("blob", BLOB), content("manifest", MANIFEST)],
};

function envelope(document: unknown = DOCUMENT, key = pair, payloadType = RELEASE_EXPORT_PAYLOAD_TYPE): string {
  const payload = Buffer.from(canonicalJson(document));
  const sig = sign(null, preAuthEncoding(payloadType, payload), key.privateKey).toString("base64");
  return JSON.stringify({ payloadType, payload: payload.toString("base64"), signatures: [{ keyid: "k", sig }] });
}

type Entry = Parameters<typeof tarOf>[0][number];
const file = (path: string, text: string): Entry => ({ path, kind: "file", content: text });
const ENVELOPE = file(ENVELOPE_ENTRY, envelope());
const PARTS = [
  file("oci-layout", "{}"),
  file("index.json", "{}"),
  file(blobEntry(sha256(BLOB)), BLOB),
  file(blobEntry(sha256(MANIFEST)), MANIFEST),
];

let count = 0;
function write(entries: readonly Entry[], cutTo?: number): string {
  const path = join(folder, `${count++}.tar`);
  writeFileSync(path, tarOf(entries).subarray(0, cutTo));
  return path;
}

async function open(path: string, keys = [trusted]): Promise<readonly string[]> {
  const opened = openReleaseFile(path, keys);
  await opened.verify(() => undefined);
  const texts: string[] = [];
  for (const one of opened.document.contents)
    texts.push(Buffer.concat(await Array.fromAsync(opened.read(one))).toString());
  return texts;
}

test("a file that was signed by a trusted key is read", async () => {
  const path = write([ENVELOPE, ...PARTS]);
  assert.deepEqual(await open(path), [BLOB, MANIFEST]);
  const pem = join(folder, "key.pem");
  writeFileSync(pem, pair.publicKey.export({ type: "spki", format: "pem" }));
  assert.deepEqual(await open(path, [readTrustedKey(publicText(other)), readTrustedKey(pem)]), [BLOB, MANIFEST]);
});

const changed = (change: object) => file(ENVELOPE_ENTRY, envelope({ ...DOCUMENT, ...change }));
const resigned = (text: string) => file(ENVELOPE_ENTRY, text);
const forged = JSON.parse(envelope());
forged.payload = Buffer.from(canonicalJson({ ...DOCUMENT, app: "evil" })).toString("base64");

const REFUSED: readonly (readonly [what: string, entries: readonly Entry[], code: string])[] = [
  ["another key", [resigned(envelope(DOCUMENT, other)), ...PARTS], "release-file-signature"],
  ["a changed document", [resigned(JSON.stringify(forged)), ...PARTS], "release-file-signature"],
  ["another type", [resigned(envelope(DOCUMENT, pair, "application/x")), ...PARTS], "release-file-invalid"],
  ["no document", [changed({ format: 2 }), ...PARTS], "release-file-invalid"],
  ["no envelope", PARTS, "release-file-invalid"],
  ["an envelope that is not JSON", [resigned("{"), ...PARTS], "release-file-invalid"],
  [
    "changed bytes",
    [ENVELOPE, ...PARTS.slice(0, 2), file(blobEntry(sha256(BLOB)), BLOB.replace("a", "b")), PARTS[3]!],
    "release-file-damaged",
  ],
  [
    "longer bytes",
    [ENVELOPE, ...PARTS.slice(0, 2), file(blobEntry(sha256(BLOB)), `${BLOB}!`), PARTS[3]!],
    "release-file-invalid",
  ],
  ["a missing part", [ENVELOPE, ...PARTS.slice(0, 3)], "release-file-invalid"],
  ["a part twice", [ENVELOPE, ...PARTS, PARTS[3]!], "release-file-invalid"],
  ["a part that was not signed", [ENVELOPE, ...PARTS, file(blobEntry(sha256("x")), "x")], "release-file-invalid"],
  ["a file of another name", [ENVELOPE, ...PARTS, file("etc/passwd", "x")], "release-file-invalid"],
  [
    "a link",
    [ENVELOPE, ...PARTS, { path: "index.json", kind: "symlink", linkName: "/etc/passwd" }],
    "release-file-invalid",
  ],
  [
    "two sizes of one digest",
    [changed({ contents: [...DOCUMENT.contents, { ...DOCUMENT.contents[0], sizeBytes: 1 }] }), ...PARTS],
    "release-file-invalid",
  ],
  [
    "a manifest without end",
    [changed({ contents: [{ ...DOCUMENT.contents[1], sizeBytes: 2 ** 40 }] }), ...PARTS],
    "release-file-invalid",
  ],
];
for (const [what, entries, code] of REFUSED)
  test(`refused: ${what}`, async () => {
    await assert.rejects(open(write(entries)), (error) => isCoded(error, code));
  });

test("refused: a file that was cut", async () => {
  const whole = tarOf([ENVELOPE, ...PARTS]).length;
  for (const cutTo of [0, 511, 1024, whole - 2048, whole - 1536 + 5])
    await assert.rejects(open(write([ENVELOPE, ...PARTS], cutTo)), (error) => error instanceof Error);
});

test("refused: what is no Ed25519 key", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  for (const text of ["", "nonsense", rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64")])
    assert.throws(
      () => readTrustedKey(text),
      (error) => isCoded(error, "usage"),
    );
});
