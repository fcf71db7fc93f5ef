import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { CodedError } from "@flotilla/base/errors";
import { tarOf } from "@flotilla/oci/tar/write";
import { damage, seeded } from "./ecosystems/damage.cases.ts";
import { mergeLayers } from "./image.ts";
import { createLayerScanner } from "./layer-scanner.ts";
import { cases as secretCases } from "./secrets/rules/rules.cases.ts";
import { readCycloneDx } from "./sources/sbom.ts";

const ROUNDS = 300;

const LAYER = tarOf([
  { kind: "file", path: "etc/os-release", content: 'ID=debian\nVERSION_ID="12"\n' },
  { kind: "file", path: `${"long/".repeat(40)}node_modules/a/package.json`, content: '{"name":"a","version":"1.0.0"}' },
  { kind: "file", path: "var/lib/dpkg/status", content: "Package: a\nStatus: install ok installed\nVersion: 1\n" },
  { kind: "hardlink", path: "b/node_modules/a/package.json", linkName: "node_modules/a/package.json" },
  { kind: "symlink", path: "c", linkName: "/etc" },
  { kind: "file", path: "x/.wh.y", content: "" },
  ...secretCases.map(({ text }, index) => ({ kind: "file" as const, path: `srv/${index}`, content: text })),
]);

describe("damaged layers", () => {
  for (const [name, bytes] of [
    ["plain", LAYER],
    ["gzip", gzipSync(LAYER)],
    ["zstd", zstdCompressSync(LAYER)],
  ] as const) {
    it(`${name}: end as problems, never as a crash or a hang`, async () => {
      const random = seeded(name);
      for (let round = 0; round < ROUNDS; round++) {
        const damaged = damage(bytes, random);
        const pieceBytes = 1 + Math.floor(random() * 5000);
        const scanner = createLayerScanner();
        for (let at = 0; at < damaged.length; at += pieceBytes)
          await scanner.write(damaged.subarray(at, at + pieceBytes));
        const scan = await scanner.end();
        assert.match(scan.diffId, /^sha256:/);
        for (const { reason } of mergeLayers([scan]).problems) assert.match(reason, /^[a-z-]+: ./);
      }
    });
  }
});

describe("damaged text", () => {
  it("secret rules take it and never tell more than a few characters", async () => {
    const random = seeded("secrets");
    for (const { text } of secretCases) {
      for (let round = 0; round < 30; round++) {
        const content = damage(Buffer.from(text), random);
        const scanner = createLayerScanner();
        await scanner.write(tarOf([{ kind: "file", path: "srv/x", content }]));
        for (const { sample } of (await scanner.end()).secrets)
          assert.match(sample, /^[\x21-\x7e]{0,4}… \(\d+ characters\)$/);
      }
    }
  });

  it("an SBOM is read or refused with a code", () => {
    const random = seeded("sbom");
    const document = {
      bomFormat: "CycloneDX",
      components: [{ purl: "pkg:npm/a@1", components: [{ purl: "pkg:deb/debian/b@1?distro=debian-12" }] }],
    };
    const bytes = Buffer.from(JSON.stringify(document));
    for (let round = 0; round < 2000; round++) {
      try {
        readCycloneDx(damage(bytes, random), "bom.json");
      } catch (error) {
        assert.ok(error instanceof CodedError, String(error));
      }
    }
  });
});
