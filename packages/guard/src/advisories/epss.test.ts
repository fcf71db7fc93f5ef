import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { damage, seeded } from "../ecosystems/damage.cases.ts";
import { readEpss } from "./epss.ts";
import { importAdvisories } from "./import.ts";
import { readStore } from "./store.ts";

const CSV = `#model_version:v2026.03.01,score_date:2026-08-01T00:00:00+0000
cve,epss,percentile
CVE-2024-10001,0.94358,0.99
CVE-2024-10002,0.00042,0.05
CVE-2024-10003,7.5,0.05
nonsense
`;
const root = mkdtempSync(join(tmpdir(), "flotilla-epss-"));
after(() => rmSync(root, { recursive: true }));

test("scores are kept for the CVEs that the store speaks of, gzipped or not, and stay with the next import", () => {
  const ranges = [{ type: "SEMVER", events: [{ introduced: "0" }] }];
  const affected = [{ package: { ecosystem: "npm", name: "a" }, ranges }];
  const document = { id: "GHSA-1", aliases: ["CVE-2024-10001"], modified: "2026-03-01T00:00:00Z", affected };
  writeFileSync(join(root, "a.json"), JSON.stringify(document));
  writeFileSync(join(root, "epss_scores-current.csv.gz"), gzipSync(CSV));
  const nowMs = Date.UTC(2026, 8, 1);
  const result = importAdvisories({ path: root, nowMs });
  const store = readStore(result.bytes, "x");
  assert.deepEqual(store.epss, { "CVE-2024-10001": 0.94358 });
  assert.equal(store.lookup("npm", "a")[0]?.epss, 0.94358);
  assert.deepEqual(
    store.sources.map(({ name, asOf }) => [name, asOf]),
    [
      ["EPSS by FIRST", "2026-08-01T00:00:00.000Z"],
      ["GitHub advisory database", "2026-03-01T00:00:00.000Z"],
    ],
  );
  assert.match(result.problems[0]?.reason ?? "", /^malformed: 2 rows/);
  const again = importAdvisories({ path: join(root, "a.json"), base: store, nowMs });
  assert.equal(readStore(again.bytes, "x").lookup("npm", "a")[0]?.epss, 0.94358);
});

test("what is no such file is a problem, and damage never a crash", () => {
  assert.equal(readEpss(Buffer.from("a,b\n1,2\n")).kind, "problem");
  const random = seeded("epss");
  for (const bytes of [Buffer.from(CSV), gzipSync(CSV)])
    for (let round = 0; round < 200; round++) {
      const reading = readEpss(damage(bytes, random));
      if (reading.kind === "scores")
        for (const score of reading.value.scores.values()) assert.ok(score >= 0 && score <= 1);
    }
});
