import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { memoryStore } from "./advisories/store.ts";
import type { Advisory, Scanner } from "./model.ts";
import { builtInPolicy } from "./policy/built-in.ts";
import { scan } from "./scan.ts";
import { base62Checksum } from "./secrets/proof.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-scan-"));
after(() => rmSync(folder, { recursive: true }));
const body = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5";
mkdirSync(join(folder, "node_modules/left-pad"), { recursive: true });
writeFileSync(join(folder, "node_modules/left-pad/package.json"), '{"name":"left-pad","version":"1.0.0"}');
writeFileSync(join(folder, ".env"), `NPM_TOKEN=${["npm", body].join("_")}${base62Checksum(body)}\n`);

const advisory: Advisory = {
  id: "CVE-2026-0001",
  aliases: [],
  source: "test",
  kind: "vulnerability",
  severity: "high",
  ranges: [{ introduced: "0", fixed: "1.0.1" }],
  versions: [],
};
const store = memoryStore(
  [{ name: "test", asOf: "2026-01-01", count: 1 }],
  [{ ecosystem: "npm", name: "left-pad", advisories: [advisory] }],
);

interface ScanCase {
  readonly scanners: readonly Scanner[];
  readonly packages: number;
  readonly findings: readonly string[];
  readonly outcome: "pass" | "block";
}

const cases: readonly ScanCase[] = [
  { scanners: ["inventory"], packages: 1, findings: [], outcome: "pass" },
  { scanners: ["vulnerability"], packages: 1, findings: ["CVE-2026-0001"], outcome: "block" },
  { scanners: ["secret"], packages: 0, findings: ["npm-token"], outcome: "block" },
  {
    scanners: ["inventory", "vulnerability", "secret"],
    packages: 1,
    findings: ["npm-token", "CVE-2026-0001"],
    outcome: "block",
  },
];

describe("scan", () => {
  for (const { scanners, packages, findings, outcome } of cases) {
    it(`with ${scanners.join(", ")}`, async () => {
      const report = await scan(`dir:${folder}`, { scanners, store, policy: builtInPolicy, offline: true });
      assert.equal(report.target, `dir:${folder}`);
      assert.equal(report.packages.length, packages);
      assert.deepEqual(
        report.findings.map(({ id }) => id),
        findings,
      );
      assert.equal(report.verdict.outcome, outcome);
      assert.deepEqual(report.problems, []);
    });
  }

  it("reports how far it is", async () => {
    const seen: number[] = [];
    await scan(`dir:${folder}`, {
      scanners: ["secret"],
      store,
      policy: builtInPolicy,
      onProgress: ({ done }) => seen.push(done),
    });
    assert.deepEqual(seen, [2]);
  });

  it("throws what cannot be opened", async () => {
    await assert.rejects(scan("dir:/nowhere", { scanners: ["inventory"], store, policy: builtInPolicy }), {
      code: "target-not-found",
    });
  });
});
