import { deadlineSignal } from "@flotilla/base/clock";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import { Semaphore } from "@flotilla/base/semaphore";
import type { RegistryClient } from "@flotilla/oci/client";
import type { Actor } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { Principal } from "../../users/access.ts";
import { type ManifestName, projectOf } from "../path.ts";
import { isMirrorRepository, parseMirrorRepository } from "./address.ts";
import { type FetchPorts, fetchImage } from "./fetch-image.ts";
import { Flights } from "./flights.ts";
import { Freshness } from "./freshness.ts";
import { type JudgementPorts, MirrorJudgement, type MirrorReason, refusalOf } from "./judgement.ts";
import type { Upstreams } from "./upstream.ts";

/** Images that are fetched at a time; others wait. */
const PARALLEL_FETCHES = 4;
/** Pulls of different images that may be under way or wait. */
const MAX_PULLS = 100;
/** An image that takes longer is given up; what arrived of it stays for the next try. */
const FETCH_TIMEOUT_MS = 60 * 60_000;
/** How long the other registry may take to say what a tag names now. */
const REVALIDATE_TIMEOUT_MS = 10_000;
/** A blob may be a part of so many images of its repository that are asked for a verdict. */
const MAX_IMAGES_OF_BLOB = 200;

/** Content of other registries that is brought here when it is pulled. Repositories that mirror nothing pass untouched. */
export interface Mirrors {
  /** Brings what a name means; does not judge. For `HEAD`, which tells nothing but a digest. */
  bring(repository: string, name: ManifestName, principal: Principal): Promise<void>;
  /**
   * Brings what a name means and judges it: the name of exactly what was judged. Throws `mirror-refused` with the reasons, `unavailable` when the
   * other registry is away and nothing is kept.
   */
  admit(repository: string, name: ManifestName, principal: Principal): Promise<ManifestName>;
  /** Throws `mirror-refused` unless an image that may be pulled has the blob. */
  admitBlob(repository: string, digest: Digest, principal: Principal): Promise<void>;
  /** Gives up what is under way and waits until it ended. */
  close(): Promise<void>;
}

export interface MirrorPorts extends Omit<FetchPorts, "blobFlights">, JudgementPorts {
  readonly context: Pick<Context, "database" | "events" | "clock" | "log" | "access">;
  readonly upstreams: Upstreams;
}

/** The mirrors of the configuration. */
export function createMirrors(ports: MirrorPorts): Mirrors {
  return new PullThrough(ports);
}

/** One pull of what is mirrored. */
interface Pull {
  readonly repository: string;
  readonly name: ManifestName;
  readonly mirror: string;
  readonly upstream: string;
  readonly client: RegistryClient;
  readonly actor: Actor;
}

class PullThrough implements Mirrors {
  readonly #ports: MirrorPorts;
  readonly #judgement: MirrorJudgement;
  readonly #freshness: Freshness;
  readonly #pulls = new Flights<void>();
  readonly #blobFlights = new Flights<void>();
  readonly #permits = new Semaphore(PARALLEL_FETCHES);
  readonly #closed = new AbortController();

  constructor(ports: MirrorPorts) {
    this.#ports = ports;
    this.#judgement = new MirrorJudgement(ports);
    this.#freshness = new Freshness(ports.context.clock);
  }

  async bring(repository: string, name: ManifestName, principal: Principal): Promise<void> {
    if (!concerns(repository, principal)) return;
    const address = parseMirrorRepository(repository);
    const connect = address && this.#ports.upstreams.get(address.mirror);
    if (address === undefined || connect === undefined) return; // what is kept of a mirror that is gone is still judged
    const kept = await this.#ports.content.findManifest(repository, name);
    const key = keyOf(repository, name);
    if (kept !== undefined && (name.kind === "digest" || this.#freshness.isFresh(key))) return;
    if (!this.#pulls.has(key) && this.#pulls.size >= MAX_PULLS)
      throw new CodedError("too-many-requests", `${MAX_PULLS} images are being mirrored: pull again later`, {
        details: { retryAfterSeconds: 30 },
      });
    const actor = this.#ports.context.access.actorOf(principal);
    const pull = { repository, name, ...address, client: connect(), actor };
    await this.#pulls.run(key, () => this.#refresh(pull, kept?.digest));
  }

  async admit(repository: string, name: ManifestName, principal: Principal): Promise<ManifestName> {
    if (!concerns(repository, principal)) return name;
    await this.bring(repository, name, principal);
    const row = await this.#ports.content.findManifest(repository, name);
    if (row === undefined) return name;
    const digest = asDigest(row.digest);
    const { reasons, isNew } = await this.#judgement.of(repository, digest, this.#closed.signal);
    if (reasons.length === 0) return { kind: "digest", digest };
    if (isNew) await this.#tellRefused(repository, digest, this.#ports.context.access.actorOf(principal), reasons);
    throw refusalOf(`${repository}@${digest}`, reasons);
  }

  async admitBlob(repository: string, digest: Digest, principal: Principal): Promise<void> {
    if (!concerns(repository, principal)) return;
    const images = await this.#ports.context.database.read
      .selectFrom("registry_references")
      .select("manifest")
      .distinct()
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .where("content", "=", digest)
      .limit(MAX_IMAGES_OF_BLOB)
      .execute();
    for (const { manifest } of images) {
      const { reasons } = await this.#judgement.of(repository, asDigest(manifest), this.#closed.signal);
      if (reasons.length === 0) return;
    }
    throw new CodedError("mirror-refused", `no image of ${repository} that may be pulled has ${digest}`);
  }

  async close(): Promise<void> {
    this.#closed.abort(new CodedError("unavailable", "the server stops"));
    await this.#pulls.idle();
    await this.#blobFlights.idle();
  }

  async #refresh(pull: Pull, kept: string | undefined): Promise<void> {
    const key = keyOf(pull.repository, pull.name);
    try {
      if (kept === undefined || (await this.#upstreamDigest(pull)) !== kept)
        await this.#permits.run(() => this.#fetch(pull));
      this.#freshness.seen(key);
    } catch (error) {
      if (kept === undefined || !isAway(error)) throw toRefusal(error, pull);
      const { repository, mirror } = pull;
      this.#ports.context.log.warn({ repository, mirror, code: error.code }, "mirror is away: what is kept is served");
      this.#freshness.away(key);
    }
  }

  async #upstreamDigest({ client, upstream, name }: Pull): Promise<Digest | undefined> {
    const signal = deadlineSignal(REVALIDATE_TIMEOUT_MS, this.#closed.signal);
    const head = await client.headManifest(upstream, textOf(name), signal);
    if (head === undefined) throw new CodedError("registry-not-found", `the tag ${textOf(name)} is not there any more`);
    return head.digest;
  }

  async #fetch(pull: Pull): Promise<void> {
    const { repository, upstream, client, name, actor } = pull;
    const signal = deadlineSignal(FETCH_TIMEOUT_MS, this.#closed.signal);
    const { content, uploads } = this.#ports;
    try {
      const root = await client.getManifest(upstream, textOf(name), signal);
      const tags = name.kind === "tag" ? [name.tag] : [];
      const fetch = { client, repository, upstream, root, tags, actor, signal };
      await fetchImage({ content, uploads, blobFlights: this.#blobFlights }, fetch);
      await this.#tellVerdict(pull, root.digest);
    } catch (error) {
      if (!isCoded(error, "digest-mismatch") && !isCoded(error, "manifest-invalid")) throw error;
      const message = `What arrived is not what its name says (${error.message}). The mirrored registry must serve the right bytes.`;
      const reasons = [{ rule: error.code, message }];
      await this.#tellRefused(repository, textOf(name), actor, reasons);
      throw refusalOf(`${repository} ${textOf(name)}`, reasons);
    }
  }

  async #tellVerdict({ repository, mirror, upstream, name, actor }: Pull, digest: Digest): Promise<void> {
    const { reasons } = await this.#judgement.of(repository, digest, this.#closed.signal);
    if (reasons.length > 0) return this.#tellRefused(repository, digest, actor, reasons);
    const data = { repository, mirror, upstream, digest, ...(name.kind === "tag" ? { tag: name.tag } : {}) };
    await this.#tell("image.mirrored", repository, { subject: `image/${digest}`, actor, data });
  }

  async #tellRefused(repository: string, image: string, actor: Actor, reasons: readonly MirrorReason[]): Promise<void> {
    const data = { repository, image, reasons };
    await this.#tell("image.mirror-refused", repository, { subject: `image/${image}`, actor, data });
  }

  async #tell(
    action: string,
    repository: string,
    event: { readonly subject: string; readonly actor: Actor; readonly data: Readonly<Record<string, unknown>> },
  ): Promise<void> {
    const { database, events } = this.#ports.context;
    await database.write(async (trx) => {
      await events.append(trx, { project: projectOf(repository), action, ...event });
    });
  }
}

/** Devices are given what their releases name, which is here and was judged with the release. */
function concerns(repository: string, principal: Principal): boolean {
  return principal.kind !== "device" && isMirrorRepository(repository);
}

function keyOf(repository: string, name: ManifestName): string {
  return `${repository} ${textOf(name)}`;
}

function textOf(name: ManifestName): string {
  return name.kind === "tag" ? name.tag : name.digest;
}

/** The other registry said nothing of worth; anything else that happens is not its absence. */
function isAway(error: unknown): error is CodedError {
  return isCoded(error) && (error.code.startsWith("registry-") || error.code === "unavailable");
}

/** What a puller is told of the other registry's failures. */
function toRefusal(error: unknown, { mirror, upstream, name }: Pull): unknown {
  if (isCoded(error, "registry-not-found"))
    return new CodedError("manifest-unknown", `the mirror ${mirror} has no ${upstream} ${textOf(name)}`, {
      cause: error,
    });
  if (isCoded(error) && error.code.startsWith("registry-"))
    return new CodedError("unavailable", `the mirror ${mirror} does not give ${upstream}: ${error.message}`, {
      cause: error,
    });
  return error;
}
