import { toInstant } from "@flotilla/base/clock";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { isCoded, messageOf } from "@flotilla/base/errors";
import { Semaphore } from "@flotilla/base/semaphore";
import { judge } from "@flotilla/guard/judge";
import type { AdvisoryStore, Inventory, Report } from "@flotilla/guard/model";
import { MAX_CONFIG_BYTES } from "@flotilla/oci/image-config";
import { type Manifest, parseManifest } from "@flotilla/oci/manifest";
import type { Context } from "../context.ts";
import type { Policies } from "../policies/port.ts";
import type { BlobStore } from "./blob-store.ts";
import type { ManifestObserver } from "./content.ts";
import { type ImageParts, inventoryOf, isScannable } from "./image-inventory.ts";
import type { LayerScans } from "./layer-scans.ts";
import { missingBlobs } from "./links.ts";
import { projectOf } from "./path.ts";
import type { Scan, Scans } from "./scans.ts";
import type { ScanRow } from "./tables.ts";

/** Images that are judged at a time; their layers are on worker threads. */
const PARALLEL_SCANS = 2;

export interface ScanPorts {
  readonly context: Pick<Context, "database" | "events" | "bus" | "clock" | "log">;
  readonly blobs: BlobStore;
  readonly layers: LayerScans;
  /** The advisories as they are now. */
  readonly advisories: () => AdvisoryStore;
  /** The policies that images are judged by. */
  readonly policies: Policies;
}

/** Scans of images: makes them when manifests arrive, keeps them, tells them. */
export interface ScanRunner extends Scans, ManifestObserver {
  /** Takes up the scans that a restart interrupted. */
  resume(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** The scans of all images in the registry. */
export function createScanRunner(ports: ScanPorts): ScanRunner {
  return new StoredScans(ports);
}

class StoredScans implements ScanRunner {
  readonly #ports: ScanPorts;
  readonly #permits = new Semaphore(PARALLEL_SCANS);
  readonly #running = new Map<string, Promise<void>>();

  constructor(ports: ScanPorts) {
    this.#ports = ports;
  }

  async get(project: string, manifest: Digest): Promise<Scan | undefined> {
    const row = await this.#ports.context.database.read
      .selectFrom("registry_scans")
      .selectAll()
      .where("project", "=", project)
      .where("manifest", "=", manifest)
      .executeTakeFirst();
    return row && toScan(row);
  }

  async wait(
    project: string,
    manifest: Digest,
    signal: AbortSignal,
  ): Promise<Exclude<Scan, { kind: "pending" }> | undefined> {
    for (;;) {
      signal.throwIfAborted();
      using change = this.#nextChange(project, manifest, signal);
      const scan = await this.get(project, manifest);
      if (scan?.kind !== "pending") return scan;
      await change.happened;
    }
  }

  async stored(
    trx: Parameters<ManifestObserver["stored"]>[0],
    repository: string,
    digest: Digest,
    manifest: Manifest,
  ): Promise<void> {
    if (!isScannable(manifest)) return;
    const { database, clock } = this.#ports.context;
    await trx
      .insertInto("registry_scans")
      .values(pendingRow(repository, digest, toInstant(clock.now())))
      .onConflict((conflict) => conflict.columns(["project", "manifest"]).doUpdateSet({ state: "pending", repository }))
      .execute();
    database.afterCommit(trx, () => this.#start(repository, digest));
  }

  async resume(): Promise<void> {
    const rows = await this.#ports.context.database.read
      .selectFrom("registry_scans")
      .select(["repository", "manifest"])
      .where("state", "=", "pending")
      .execute();
    for (const row of rows) this.#start(row.repository, asDigest(row.manifest));
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Scans of one manifest run one after another: the last one has seen everything. */
  #start(repository: string, digest: Digest): void {
    const key = `${projectOf(repository)} ${digest}`;
    const before = this.#running.get(key) ?? Promise.resolve();
    const work = before
      .then(() => this.#permits.run(() => scanImage(this.#ports, repository, digest)))
      .catch((error: unknown) => this.#ports.context.log.error({ error, repository, digest }, "scan could not be kept"))
      .finally(() => {
        if (this.#running.get(key) === work) this.#running.delete(key);
      });
    this.#running.set(key, work);
  }

  #nextChange(project: string, manifest: Digest, signal: AbortSignal): Disposable & { happened: Promise<void> } {
    const { promise: happened, resolve, reject } = Promise.withResolvers<void>();
    const stop = this.#ports.context.bus.subscribe("scan.done", (done) => {
      if (done.project === project && done.manifest === manifest) resolve();
    });
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    happened.catch(() => {}); // an abort after the answer concerns nobody
    return {
      happened,
      [Symbol.dispose]() {
        stop();
        signal.removeEventListener("abort", onAbort);
      },
    };
  }
}

type Outcome =
  /** The server stops: the scan stays pending and is taken up at the next start. */
  | { readonly kind: "interrupted" }
  | { readonly kind: "done"; readonly inventory: Inventory; readonly report: Report }
  | { readonly kind: "failed"; readonly problem: string };

type Ended = Exclude<Outcome, { kind: "interrupted" }>;

async function scanImage(ports: ScanPorts, repository: string, digest: Digest): Promise<void> {
  const outcome = await look(ports, repository, digest);
  if (outcome.kind === "interrupted") return;
  await keepOutcome(ports, repository, digest, outcome);
  ports.context.bus.publish("scan.done", { project: projectOf(repository), manifest: digest });
}

async function look(ports: ScanPorts, repository: string, digest: Digest): Promise<Outcome> {
  try {
    const parts = partsOf(ports, repository);
    const manifest = await parts.manifest(digest);
    if (manifest === undefined) return { kind: "failed", problem: "the manifest was deleted before it was scanned" };
    const inventory = await inventoryOf(manifest, parts);
    const report = judge({
      target: `registry:${repository}@${digest}`,
      inventory,
      store: ports.advisories(),
      policy: await ports.policies.of(projectOf(repository)),
      scanners: ["inventory", "vulnerability", "secret"],
    });
    return { kind: "done", inventory, report };
  } catch (error) {
    if (isCoded(error, "scan-pool-closed")) return { kind: "interrupted" };
    if (!isCoded(error)) ports.context.log.error({ error, repository, digest }, "scan failed");
    return { kind: "failed", problem: isCoded(error) ? messageOf(error) : "the server failed; its log tells more" };
  }
}

function partsOf({ context, blobs, layers }: ScanPorts, repository: string): ImageParts {
  const bytesOf = async (digest: Digest) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of blobs.read(digest, { start: 0, end: MAX_CONFIG_BYTES })) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  return {
    layers,
    blob: bytesOf,
    missing: (digests) => missingBlobs(context.database.read, repository, digests),
    async manifest(digest): Promise<Manifest | undefined> {
      const row = await context.database.read
        .selectFrom("registry_manifests")
        .select("media_type")
        .where("project", "=", projectOf(repository))
        .where("repository", "=", repository)
        .where("digest", "=", digest)
        .executeTakeFirst();
      return row && parseManifest(await bytesOf(digest), row.media_type);
    },
  };
}

async function keepOutcome({ context }: ScanPorts, repository: string, digest: Digest, outcome: Ended): Promise<void> {
  const project = projectOf(repository);
  const row = rowOf(outcome, toInstant(context.clock.now()));
  // Without it the scan is still pending, and is made again.
  await context.database.writeLazily(async (trx) => {
    await trx
      .updateTable("registry_scans")
      .set(row)
      .where("project", "=", project)
      .where("manifest", "=", digest)
      .execute();
    await context.events.append(trx, {
      project,
      actor: { kind: "system", id: "guard" },
      action: "image.scanned",
      subject: `image/${digest}`,
      data: { repository, digest, state: row.state, ...summaryOf(outcome) },
    });
  });
}

function summaryOf(outcome: Ended): Readonly<Record<string, unknown>> {
  if (outcome.kind === "failed") return { problem: outcome.problem };
  const { findings, packages, verdict } = outcome.report;
  return {
    outcome: verdict.outcome,
    packages: packages.length,
    findings: findings.length,
    reasons: verdict.reasons.slice(0, 10).map(({ rule, message }) => ({ rule, message })),
  };
}

function rowOf(
  outcome: Ended,
  finished_at: string,
): Omit<ScanRow, "project" | "manifest" | "repository" | "created_at"> {
  if (outcome.kind === "failed")
    return {
      state: "failed",
      problem: outcome.problem,
      outcome: null,
      report: null,
      inventory: null,
      sources: null,
      finished_at,
    };
  return {
    state: "done",
    problem: null,
    outcome: outcome.report.verdict.outcome,
    report: JSON.stringify(outcome.report),
    inventory: JSON.stringify(outcome.inventory),
    sources: JSON.stringify(outcome.report.sources),
    finished_at,
  };
}

function pendingRow(repository: string, manifest: Digest, created_at: string): ScanRow {
  return {
    project: projectOf(repository),
    manifest,
    repository,
    state: "pending",
    problem: null,
    outcome: null,
    report: null,
    inventory: null,
    sources: null,
    created_at,
    finished_at: null,
  };
}

function toScan(row: ScanRow): Scan {
  const manifest = asDigest(row.manifest);
  const finishedAt = row.finished_at ?? row.created_at;
  switch (row.state) {
    case "pending":
      return { kind: "pending", manifest };
    case "failed":
      return { kind: "failed", manifest, problem: row.problem ?? "", finishedAt };
    case "done":
      return {
        kind: "done",
        manifest,
        report: JSON.parse(row.report ?? "null") as Report,
        inventory: JSON.parse(row.inventory ?? "null") as Inventory,
        finishedAt,
      };
  }
}
