import { asDigest } from "@flotilla/base/digest";
import type { NormalisedApp } from "@flotilla/compose/app";
import { judge } from "@flotilla/guard/judge";
import type { AdvisoryStore, Report } from "@flotilla/guard/model";
import type { Policy } from "@flotilla/guard/policy/policy";
import type { FindingChange, PackageChange, ReleaseDiff } from "@flotilla/protocol/api/release-diff";
import type { ReleaseDocument, ReleaseImage } from "@flotilla/protocol/release";
import { unionOf } from "../../registry/inventory-union.ts";
import type { Scans } from "../../registry/scans.ts";
import type { ReleaseRow } from "../rows.ts";
import { diffCompose } from "./compose.ts";
import { diffPlatforms, type ReleaseContent } from "./download.ts";
import { diffFindings } from "./findings.ts";
import { type ImagePair, imageChanges, pairImages } from "./images.ts";
import { diffPackages } from "./packages.ts";

/** Longest lists of an answer. */
const MAX_COMPOSE_CHANGES = 1000;
const MAX_PACKAGE_CHANGES = 5000;
const MAX_FINDING_CHANGES = 2000;

export interface DiffPorts {
  readonly scans: Scans;
  readonly store: AdvisoryStore;
  readonly policy: Policy;
}

/** What changes from one release of an app to another of it: from their documents, and from the scans of their images. */
export async function diffReleases(ports: DiffPorts, from: ReleaseRow, to: ReleaseRow): Promise<ReleaseDiff> {
  const [before, after] = [contentOf(from), contentOf(to)];
  const pairs = pairImages(before.document, after.document);
  const compose = diffCompose(before.app, after.app);
  const { packages, findings, notCompared } = await diffScans(ports, to.project, pairs);
  return {
    app: to.app,
    from: { digest: from.digest, tag: `r${from.number}` },
    to: { digest: to.digest, tag: `r${to.number}` },
    compose: compose.slice(0, MAX_COMPOSE_CHANGES),
    images: [...imageChanges(pairs)],
    platforms: [...diffPlatforms(before, after)],
    packages: packages.slice(0, MAX_PACKAGE_CHANGES),
    findings: findings.slice(0, MAX_FINDING_CHANGES),
    omitted: {
      compose: Math.max(0, compose.length - MAX_COMPOSE_CHANGES),
      packages: Math.max(0, packages.length - MAX_PACKAGE_CHANGES),
      findings: Math.max(0, findings.length - MAX_FINDING_CHANGES),
    },
    notCompared: [...notCompared],
  };
}

/** The columns hold the canonical JSON whose bytes are the blobs of the artifact. */
function contentOf(row: ReleaseRow): ReleaseContent {
  const document = JSON.parse(row.document) as ReleaseDocument;
  return {
    document,
    app: JSON.parse(row.compose) as NormalisedApp,
    own: [
      { digest: `document of ${row.digest}`, sizeBytes: Buffer.byteLength(row.document) },
      { digest: document.compose, sizeBytes: Buffer.byteLength(row.compose) },
    ],
  };
}

interface ScanChanges {
  readonly packages: readonly PackageChange[];
  readonly findings: readonly FindingChange[];
  readonly notCompared: readonly string[];
}

/** Image by image, so that few inventories are in memory at a time. Both sides are judged by the same advisories. */
async function diffScans(ports: DiffPorts, project: string, pairs: readonly ImagePair[]): Promise<ScanChanges> {
  const packages: PackageChange[] = [];
  const findings: FindingChange[] = [];
  const notCompared: string[] = [];
  for (const { from, to } of pairs) {
    const image = (to ?? from)?.reference ?? "";
    if (from !== undefined && to !== undefined && sameManifests(from, to)) continue;
    const before = await reportOf(ports, project, from);
    const after = await reportOf(ports, project, to);
    if (before.missing.length + after.missing.length > 0) {
      const missing = [...before.missing, ...after.missing].join(", ");
      notCompared.push(`the packages and findings of ${image}: there is no scan of ${missing}`);
      continue;
    }
    packages.push(...diffPackages(image, before.report.packages, after.report.packages));
    findings.push(...diffFindings(image, before.report.findings, after.report.findings));
  }
  return { packages, findings, notCompared };
}

function sameManifests(a: ReleaseImage, b: ReleaseImage): boolean {
  const manifests = (image: ReleaseImage) => image.platforms.map(({ manifest }) => manifest).join();
  return manifests(a) === manifests(b);
}

async function reportOf(
  { scans, store, policy }: DiffPorts,
  project: string,
  image: ReleaseImage | undefined,
): Promise<{ readonly report: Report; readonly missing: readonly string[] }> {
  const inventories = [];
  const missing: string[] = [];
  for (const { manifest } of image?.platforms ?? []) {
    const scan = await scans.get(project, asDigest(manifest));
    if (scan?.kind === "done") inventories.push(scan.inventory);
    else missing.push(manifest);
  }
  const report = judge({
    target: image?.reference ?? "",
    inventory: unionOf(inventories),
    store,
    policy,
    scanners: ["inventory", "vulnerability", "secret"],
  });
  return { report, missing };
}
