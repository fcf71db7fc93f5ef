// Matching an inventory of 50,000 packages with the advisories that ship with flotilla: half of them packages that have advisories, half
// that have none. Beside it, when it is on the PATH: `osv-scanner` over the same packages as a CycloneDX file, with its offline database.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@flotilla/base/clock";
import { openSeedStore } from "../packages/guard/src/advisories/store.ts";
import { judge } from "../packages/guard/src/judge.ts";
import type { EcosystemId, Inventory, Package, Report } from "../packages/guard/src/model.ts";
import { builtInPolicy } from "../packages/guard/src/policy/built-in.ts";
import { formatCycloneDx } from "../packages/guard/src/report/cyclonedx.ts";

const PACKAGES = 50_000;
const RUNS = 3;
const STREAMS: readonly (readonly [osv: string, ecosystem: EcosystemId, type: string])[] = [
  ["npm", "npm", "npm"],
  ["PyPI", "pypi", "pypi"],
  ["Go", "go", "golang"],
];

export async function measure(say: (line: string) => void): Promise<Record<string, unknown>> {
  const inventory = makeInventory();
  const ours: number[] = [];
  let report = run(inventory);
  for (let index = 0; index < RUNS; index++) {
    const startedMs = systemClock.monotonic();
    report = run(inventory);
    ours.push(systemClock.monotonic() - startedMs);
  }
  const bestMs = Math.min(...ours);
  say(
    `${PACKAGES} packages, ${report.findings.length} findings in ${bestMs.toFixed(0)} ms, the store opened each time`,
  );
  const peerMs = peer(report, say);
  return {
    packages: PACKAGES,
    findings: report.findings.length,
    oursMs: Math.round(bestMs),
    ...(peerMs === undefined ? {} : { peer: "osv-scanner", peerMs: Math.round(peerMs), ratio: peerMs / bestMs }),
  };
}

function run(inventory: Inventory): Report {
  const store = openSeedStore();
  return judge({ target: "bench", inventory, store, policy: builtInPolicy, scanners: ["inventory", "vulnerability"] });
}

function makeInventory(): Inventory {
  const known = [...openSeedStore().records()].map(({ key }) => key.split("\t"));
  const packages = STREAMS.flatMap(([osv, ecosystem, type]) => {
    const names = known.flatMap(([stream, name]) => (stream === osv && name !== undefined ? [name] : []));
    return Array.from({ length: Math.ceil(PACKAGES / STREAMS.length) }, (_, index): Package => {
      const name = index % 2 === 0 ? names[(index * 7919) % names.length]! : `unknown-${index}`;
      const version = `${ecosystem === "go" ? "v" : ""}${index % 4}.${index % 17}.${index % 23}`;
      const purl = `pkg:${type}/${name}@${version}`;
      return { purl, ecosystem, name, version, evidence: "installed", locations: [{ path: `p/${index}` }] };
    });
  });
  return { packages: packages.slice(0, PACKAGES), secrets: [], problems: [] };
}

function peer(report: Report, say: (line: string) => void): number | undefined {
  if (spawnSync("osv-scanner", ["--version"]).status !== 0) {
    say("osv-scanner is not on the PATH: nothing beside us");
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "flotilla-bench-"));
  const file = join(folder, "bom.cdx.json");
  writeFileSync(file, formatCycloneDx({ ...report, findings: [] }));
  const startedMs = systemClock.monotonic();
  const ran = spawnSync("osv-scanner", ["scan", "source", "--offline", "-L", file, "--format", "json"], {
    maxBuffer: 2 ** 30,
  });
  const tookMs = systemClock.monotonic() - startedMs;
  rmSync(folder, { recursive: true });
  if (ran.status === 0 || ran.status === 1) return tookMs;
  say(`osv-scanner ended with ${ran.status}: ${ran.stderr.toString().slice(0, 300)}`);
  return undefined;
}
