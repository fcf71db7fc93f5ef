// Importing OSV documents: `FLOTILLA_BENCH_ADVISORIES` or ../shared/advisories when it is there, else documents made up here. There is no
// peer that builds one store from the same folder offline, so the figures stand alone: wall time, peak memory, size, time to open.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@flotilla/base/clock";
import { importAdvisories } from "../packages/guard/src/advisories/import.ts";
import { readStore } from "../packages/guard/src/advisories/store.ts";
import { makeZip } from "../packages/guard/src/advisories/zip.fixture.ts";

const SHARED = new URL("../../shared/advisories", import.meta.url).pathname;
const MADE_UP_DOCUMENTS = 20_000;

export async function measure(say: (line: string) => void): Promise<Record<string, unknown>> {
  const isShared = existsSync(SHARED);
  const path = isShared ? SHARED : makeFolder();
  say(`importing ${path}`);
  const startedMs = systemClock.monotonic();
  const result = importAdvisories({ path, nowMs: systemClock.now() });
  const importMs = systemClock.monotonic() - startedMs;
  const openMs = timeOf(() => readStore(result.bytes, "bench"));
  if (!isShared) rmSync(path, { recursive: true });
  const peakMb = process.resourceUsage().maxRSS / 1024;
  say(`${result.documents} documents in ${(importMs / 1000).toFixed(1)} s, ${peakMb.toFixed(0)} MB at the peak`);
  say(`store: ${result.bytes.length} bytes, opened in ${openMs.toFixed(1)} ms`);
  return {
    data: isShared ? "shared" : "made up",
    documents: result.documents,
    advisories: result.advisories,
    importMs: Math.round(importMs),
    peakMb: Math.round(peakMb),
    storeBytes: result.bytes.length,
    openMs: Number(openMs.toFixed(2)),
  };
}

function timeOf(task: () => unknown): number {
  const startedMs = systemClock.monotonic();
  task();
  return systemClock.monotonic() - startedMs;
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-bench-"));
  const entries = Array.from({ length: MADE_UP_DOCUMENTS }, (_, index) => ({
    name: `GHSA-${index}.json`,
    body: JSON.stringify({
      id: `GHSA-${index}`,
      modified: "2026-01-01T00:00:00Z",
      aliases: [`CVE-2026-${10_000 + index}`],
      severity: [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N" }],
      affected: [
        {
          package: { ecosystem: "npm", name: `package-${index % 7000}` },
          ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: `1.${index % 50}.0` }] }],
        },
      ],
    }),
  }));
  mkdirSync(join(folder, "npm"));
  writeFileSync(join(folder, "npm", "all.zip"), makeZip(entries));
  return folder;
}
