import { toInstant } from "@flotilla/base/clock";
import { algorithmOf, asDigest, type Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { createDigester } from "@flotilla/oci/hash";
import {
  artifactTypeOf,
  type Descriptor,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseManifest,
} from "@flotilla/oci/manifest";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import type { BlobStore } from "./blob-store.ts";
import { spare } from "./gc/condemn.ts";
import { createPins, type Pins } from "./gc/pins.ts";
import { insertReferences, pardon } from "./gc/references.ts";
import { isScannable } from "./image-inventory.ts";
import { type ManifestName, projectOf } from "./path.ts";
import { withinQuota } from "./quotas/quota.ts";
import type { ManifestRow } from "./tables.ts";

/** A manifest of a repository, with the bytes that its digest is of. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly bytes: Uint8Array;
}

export interface NewManifest {
  readonly repository: string;
  readonly bytes: Uint8Array;
  /** As the transport said. */
  readonly mediaType?: string | undefined;
  /** What the pusher says the digest is; its algorithm is kept. Default: SHA-256 of the bytes. */
  readonly digest?: Digest | undefined;
  readonly tags: readonly string[];
  readonly actor: Actor;
  /** Throws when it must not be stored and named so; asked in the transaction that does. */
  readonly allow?: ((trx: Transaction<Tables>, digest: Digest) => Promise<void>) | undefined;
}

/** Tells the scanning of images about manifests, inside the transaction that stores them and after it. */
export interface ManifestObserver {
  stored(trx: Transaction<Tables>, repository: string, digest: Digest, manifest: Manifest): Promise<void>;
}

/** What repositories hold. Everything is asked and kept by repository, so nothing crosses projects; only bytes are shared. */
export interface Content {
  readonly blobs: BlobStore;
  /** Held by whoever stores bytes before they are linked. */
  readonly pins: Pins;
  hasBlob(repository: string, digest: Digest): Promise<number | undefined>;
  /** Puts a small blob into the repository, durably before it resolves. */
  putBlob(repository: string, bytes: Uint8Array): Promise<Descriptor["digest"]>;
  /** Says that the repository has a blob that the store holds already. */
  linkBlob(repository: string, digest: Digest, sizeBytes: number): Promise<void>;
  /** A repository of the same project that has the blob. */
  findInProject(project: string, digest: Digest): Promise<{ readonly sizeBytes: number } | undefined>;
  /** Verifies, keeps and names a manifest, whose blobs need not be here; throws `manifest-invalid`, `digest-mismatch`. */
  putManifest(manifest: NewManifest): Promise<{ readonly digest: Digest; readonly manifest: Manifest }>;
  getManifest(repository: string, name: ManifestName): Promise<StoredManifest | undefined>;
  /** Size and type without the bytes. */
  findManifest(repository: string, name: ManifestName): Promise<ManifestRow | undefined>;
}

type Ports = Pick<Context, "database" | "events" | "clock">;

/** The content of all repositories, on `blobs` and the database. */
export function createContent(context: Ports, blobs: BlobStore, observer: ManifestObserver): Content {
  return new StoredContent(context, blobs, observer);
}

class StoredContent implements Content {
  readonly blobs: BlobStore;
  readonly pins = createPins();
  readonly #context: Ports;
  readonly #observer: ManifestObserver;

  constructor(context: Ports, blobs: BlobStore, observer: ManifestObserver) {
    this.#context = context;
    this.blobs = blobs;
    this.#observer = observer;
  }

  async hasBlob(repository: string, digest: Digest): Promise<number | undefined> {
    const { database } = this.#context;
    const row = await database.read
      .selectFrom("registry_blobs as b")
      .leftJoin("registry_condemned as c", (join) =>
        join
          .onRef("c.project", "=", "b.project")
          .onRef("c.repository", "=", "b.repository")
          .onRef("c.digest", "=", "b.digest"),
      )
      .select(["b.size_bytes", "c.condemned_at"])
      .where("b.project", "=", projectOf(repository))
      .where("b.repository", "=", repository)
      .where("b.digest", "=", digest)
      .executeTakeFirst();
    // Who is told that it is here may rely on it.
    if (row !== undefined && row.condemned_at !== null) return spare(database, repository, digest);
    return row?.size_bytes;
  }

  async putBlob(repository: string, bytes: Uint8Array): Promise<Digest> {
    const digest = hashOf(bytes, "sha256");
    return this.pins.hold(digest, async () => {
      await this.blobs.put(digest, bytes);
      await this.linkBlob(repository, digest, bytes.length);
      return digest;
    });
  }

  async linkBlob(repository: string, digest: Digest, size_bytes: number): Promise<void> {
    const row = { project: projectOf(repository), repository, digest, size_bytes, created_at: this.#now() };
    await this.pins.hold(digest, async () => {
      if ((await this.blobs.sizeOf(digest)) === undefined)
        throw new CodedError("unavailable", `${digest} was removed as it was named; push it again`);
      await this.#context.database.write(async (trx) => {
        await withinQuota(trx, row.project, async () => {
          await trx
            .insertInto("registry_blobs")
            .values(row)
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        });
        await pardon(trx, repository, [digest]);
      });
    });
  }

  async findInProject(project: string, digest: Digest): Promise<{ readonly sizeBytes: number } | undefined> {
    const row = await this.#context.database.read
      .selectFrom("registry_blobs")
      .select("size_bytes")
      .where("digest", "=", digest)
      .where("project", "=", project)
      .executeTakeFirst();
    return row && { sizeBytes: row.size_bytes };
  }

  async putManifest(input: NewManifest): Promise<{ readonly digest: Digest; readonly manifest: Manifest }> {
    const { repository, bytes } = input;
    const { database, events } = this.#context;
    const digest = checkedDigest(input);
    const manifest = parseManifest(bytes, input.mediaType);
    const store = async (trx: Transaction<Tables>) => {
      await input.allow?.(trx, digest);
      await withinQuota(trx, projectOf(repository), () =>
        insertManifest(trx, repository, digest, bytes.length, manifest, this.#now()),
      );
      await insertReferences(trx, repository, digest, manifest);
      for (const tag of input.tags) await moveTag(trx, repository, tag, digest, this.#now());
      await this.#observer.stored(trx, repository, digest, manifest);
      const noun = isScannable(manifest) ? "image" : "artifact";
      await events.append(trx, {
        project: projectOf(repository),
        actor: input.actor,
        action: `${noun}.pushed`,
        subject: `${noun}/${digest}`,
        data: { repository, digest, mediaType: manifest.mediaType, tags: input.tags },
      });
    };
    await this.pins.hold(digest, async () => {
      await this.blobs.put(digest, bytes);
      await database.write(store);
    });
    return { digest, manifest };
  }

  async getManifest(repository: string, name: ManifestName): Promise<StoredManifest | undefined> {
    const row = await this.findManifest(repository, name);
    if (row === undefined) return undefined;
    const digest = asDigest(row.digest);
    const parts: Uint8Array[] = [];
    for await (const chunk of this.blobs.read(digest)) parts.push(chunk);
    return { digest, mediaType: row.media_type, sizeBytes: row.size_bytes, bytes: Buffer.concat(parts) };
  }

  async findManifest(repository: string, name: ManifestName): Promise<ManifestRow | undefined> {
    const manifests = this.#context.database.read
      .selectFrom("registry_manifests as m")
      .selectAll("m")
      .where("m.project", "=", projectOf(repository))
      .where("m.repository", "=", repository);
    if (name.kind === "digest") return manifests.where("m.digest", "=", name.digest).executeTakeFirst();
    return manifests
      .innerJoin("registry_tags as t", (join) =>
        join
          .onRef("t.project", "=", "m.project")
          .onRef("t.repository", "=", "m.repository")
          .onRef("t.digest", "=", "m.digest"),
      )
      .where("t.tag", "=", name.tag)
      .executeTakeFirst();
  }

  #now(): string {
    return toInstant(this.#context.clock.now());
  }
}

/** The manifest's digest, after its size and what the pusher says it is were checked. */
function checkedDigest({ bytes, digest: said }: NewManifest): Digest {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new CodedError("manifest-too-large", `a manifest is at most ${MAX_MANIFEST_BYTES} bytes`);
  const digest = hashOf(bytes, said === undefined ? "sha256" : algorithmOf(said));
  if (said !== undefined && said !== digest)
    throw new CodedError("digest-mismatch", `the manifest is ${digest}, not ${said}`);
  return digest;
}

async function insertManifest(
  trx: Transaction<Tables>,
  repository: string,
  digest: Digest,
  sizeBytes: number,
  manifest: Manifest,
  now: string,
): Promise<void> {
  await trx
    .insertInto("registry_manifests")
    .values({
      project: projectOf(repository),
      repository,
      digest,
      media_type: manifest.mediaType,
      artifact_type: artifactTypeOf(manifest) ?? null,
      size_bytes: sizeBytes,
      subject: manifest.subject?.digest ?? null,
      annotations: manifest.annotations === undefined ? null : JSON.stringify(manifest.annotations),
      created_at: now,
    })
    // Pushed again is as good as new: retention looks at the last push.
    .onConflict((conflict) => conflict.columns(["project", "repository", "digest"]).doUpdateSet({ created_at: now }))
    .execute();
}

async function moveTag(
  trx: Transaction<Tables>,
  repository: string,
  tag: string,
  digest: Digest,
  now: string,
): Promise<void> {
  await trx
    .insertInto("registry_tags")
    .values({ project: projectOf(repository), repository, tag, digest, updated_at: now })
    .onConflict((conflict) =>
      conflict.columns(["project", "repository", "tag"]).doUpdateSet({ digest, updated_at: now }),
    )
    .execute();
}

function hashOf(bytes: Uint8Array, algorithm: "sha256" | "sha512"): Digest {
  const digester = createDigester(algorithm);
  digester.update(bytes);
  return digester.digest();
}
