import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { memoryStore } from "@flotilla/guard/advisories/store";
import type { Inventory, Report } from "@flotilla/guard/model";
import { builtInPolicy } from "@flotilla/guard/policy/built-in";
import type { ReleaseImage } from "@flotilla/protocol/release";
import type { Scan, Scans } from "../registry/scans.ts";
import { evaluateGate } from "./gate.ts";

const digest = (letter: string): Digest => asDigest(`sha256:${letter.repeat(64)}`);
const EMPTY: Inventory = { packages: [], secrets: [], problems: [] };

function inventoryOf(layer: Digest, ...versions: readonly string[]): Inventory {
  const packages = versions.map((version) => ({
    purl: `pkg:npm/left@${version}`,
    ecosystem: "npm" as const,
    name: "left",
    version,
    evidence: "installed" as const,
    locations: [{ path: `app/${version}/package.json`, layer }],
  }));
  return { ...EMPTY, packages };
}

const advisories = memoryStore(
  [],
  [
    {
      ecosystem: "npm",
      name: "left",
      advisories: [
        {
          id: "CVE-1",
          aliases: [],
          source: "test",
          kind: "vulnerability",
          severity: "high",
          ranges: [{ introduced: "0", fixed: "2.0.0" }],
          versions: [],
        },
      ],
    },
  ],
);

function done(manifest: Digest, inventory: Inventory): Scan {
  return { kind: "done", manifest, inventory, report: {} as Report, finishedAt: "" };
}

/** Scans as a table; a manifest that is not in it was never scanned, and one that is pending stays so. */
function scansOf(table: readonly Scan[]): Scans {
  const find = (manifest: Digest) => table.find((scan) => scan.manifest === manifest);
  return {
    get: async (_project, manifest) => find(manifest),
    wait: (_project, manifest, signal) =>
      new Promise((resolve, reject) => {
        const scan = find(manifest);
        if (scan?.kind === "pending") signal.addEventListener("abort", () => reject(signal.reason));
        else resolve(scan);
      }),
  };
}

function image(reference: string, ...manifests: readonly Digest[]): ReleaseImage {
  const platforms = manifests.map((manifest, index) => ({
    os: "linux",
    architecture: index === 0 ? "amd64" : "arm64",
    manifest,
    config: manifest,
    configSizeBytes: 1,
    layers: [],
  }));
  return { reference, repository: "default/web", digest: digest("f"), platforms };
}

function gateOf(scans: readonly Scan[], images: readonly ReleaseImage[], scanWaitMs = 1000) {
  const ports = { scans: scansOf(scans), advisories: () => advisories, scanWaitMs };
  return evaluateGate(ports, { project: "default", target: "t", images, policy: builtInPolicy });
}

test("images without findings pass", async () => {
  const { gate } = await gateOf([done(digest("a"), EMPTY)], [image("web:1", digest("a"))]);
  assert.deepEqual(gate, { outcome: "pass", reasons: [], omitted: 0 });
});

test("one bad image of several blocks, and the reason names it", async () => {
  const scans = [done(digest("a"), EMPTY), done(digest("b"), inventoryOf(digest("c"), "1.0.0"))];
  const { gate, inventory } = await gateOf(scans, [image("web:1", digest("a")), image("db:2", digest("b"))]);
  assert.equal(gate.outcome, "block");
  assert.deepEqual(
    gate.reasons.map((reason) => [reason.image, reason.finding?.id, reason.finding?.location.layer]),
    [["db:2", "CVE-1", digest("c")]],
  );
  assert.equal(inventory.packages.length, 1);
});

test("the same finding in two platforms of an image is one reason", async () => {
  const scans = [
    done(digest("a"), inventoryOf(digest("c"), "1.0.0")),
    done(digest("b"), inventoryOf(digest("d"), "1.0.0")),
  ];
  const { gate, inventory } = await gateOf(scans, [image("web:1", digest("a"), digest("b"))]);
  assert.equal(gate.reasons.length, 1);
  assert.deepEqual(
    inventory.packages[0]?.locations.map((location) => location.layer),
    [digest("c"), digest("d")],
  );
});

test("what has no verdict blocks", async () => {
  const failed: Scan = { kind: "failed", manifest: digest("a"), problem: "a layer is damaged", finishedAt: "" };
  for (const [scans, why] of [[[failed], /a layer is damaged/] as const, [[], /never scanned/] as const]) {
    const { gate } = await gateOf(scans, [image("web:1", digest("a"))]);
    assert.deepEqual([gate.outcome, gate.reasons[0]?.rule], ["block", "scan-failed"]);
    assert.match(gate.reasons[0]?.message ?? "", why);
  }
});

test("scans that do not end in time are to be asked for again", async () => {
  const pending: Scan = { kind: "pending", manifest: digest("a") };
  await assert.rejects(gateOf([pending], [image("web:1", digest("a"))], 5), {
    code: "scan-pending",
    details: { retryAfterSeconds: 5 },
  });
});

test("reasons are bounded, and the rest is counted", async () => {
  const versions = Array.from({ length: 250 }, (_, index) => `1.0.${index}`);
  const { gate } = await gateOf(
    [done(digest("a"), inventoryOf(digest("c"), ...versions))],
    [image("web:1", digest("a"))],
  );
  assert.deepEqual([gate.reasons.length, gate.omitted], [200, 50]);
});
