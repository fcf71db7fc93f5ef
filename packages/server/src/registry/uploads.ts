import { toInstant } from "@flotilla/base/clock";
import type { Digest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import type { Context } from "../context.ts";
import type { Content } from "./content.ts";
import type { LayerScans } from "./layer-scans.ts";
import { projectOf } from "./path.ts";
import { fullBytes, quotaOf, roomOf } from "./quotas/quota.ts";

/** Uploads that a project may have open. */
const MAX_UPLOADS = 500;
/** Uploads that were not touched for so long are given up. */
export const MAX_UPLOAD_AGE_MS = 24 * 3_600_000;
/** Largest blob. */
const MAX_BLOB_BYTES = 64 * 2 ** 30;

export interface UploadBody {
  readonly stream: AsyncIterable<Uint8Array>;
  /** First byte's place in the blob, when the client says it. */
  readonly start: number | undefined;
  /** How many bytes the client says come. */
  readonly sizeBytes: number | undefined;
}

/** Blobs on their way in. Sizes are in bytes; unknown uploads throw `upload-unknown`. */
export interface Uploads {
  start(repository: string): Promise<string>;
  sizeOf(repository: string, upload: string): Promise<number>;
  /** Appends; returns the new size. Throws `upload-range` when the part does not follow what is there. */
  append(repository: string, upload: string, body: UploadBody): Promise<number>;
  /** Verifies the upload and makes it a blob of the repository, durably before it resolves. */
  finish(repository: string, upload: string, digest: Digest): Promise<number>;
  cancel(repository: string, upload: string): Promise<void>;
  /** Gives up what nobody touched for a day. */
  expire(): Promise<void>;
}

type Ports = Pick<Context, "database" | "clock">;

/** Uploads into `content`; their bytes also go to the guard as they come. */
export function createUploads(context: Ports, content: Content, layers: LayerScans): Uploads {
  return new StoredUploads(context, content, layers);
}

class StoredUploads implements Uploads {
  readonly #context: Ports;
  readonly #content: Content;
  readonly #layers: LayerScans;

  constructor(context: Ports, content: Content, layers: LayerScans) {
    this.#context = context;
    this.#content = content;
    this.#layers = layers;
  }

  async start(repository: string): Promise<string> {
    const { database, clock } = this.#context;
    const project = projectOf(repository);
    if ((await roomOf(database.read, project)) === 0) throw await this.#full(project);
    const id = crypto.randomUUID();
    await database.writeLazily(async (trx) => {
      const open = await trx
        .selectFrom("registry_uploads")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("project", "=", project)
        .executeTakeFirstOrThrow();
      if (open.count >= MAX_UPLOADS)
        throw new CodedError("too-many-uploads", `the project has ${MAX_UPLOADS} uploads open; end or cancel some`);
      const created_at = toInstant(clock.now());
      await trx.insertInto("registry_uploads").values({ id, project, repository, created_at }).execute();
    });
    await this.#content.blobs.startUpload(id);
    return id;
  }

  async sizeOf(repository: string, upload: string): Promise<number> {
    const row = await this.#context.database.read
      .selectFrom("registry_uploads")
      .select("id")
      .where("id", "=", upload)
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .executeTakeFirst();
    const size = row && (await this.#content.blobs.uploadSize(upload));
    if (size === undefined) throw new CodedError("upload-unknown", "there is no such upload, or it ended");
    return size;
  }

  async append(repository: string, upload: string, body: UploadBody): Promise<number> {
    await this.sizeOf(repository, upload);
    const roomBytes = await roomOf(this.#context.database.read, projectOf(repository));
    await using file = await this.#content.blobs.openUpload(upload);
    const start = file.sizeBytes;
    if (body.start !== undefined && body.start !== start)
      throw new CodedError("upload-range", `the next byte is ${start}, not ${body.start}`, {
        details: { sizeBytes: start },
      });
    for await (const chunk of arriving(body.stream)) {
      const offset = file.sizeBytes;
      if (offset + chunk.length > MAX_BLOB_BYTES)
        throw new CodedError("too-large", `a blob is at most ${MAX_BLOB_BYTES} bytes`);
      if (offset + chunk.length > roomBytes) throw await this.#full(projectOf(repository));
      const pending = file.append(chunk);
      if (pending !== undefined) await pending;
      await this.#layers.feed(upload, offset, chunk);
    }
    await file.flush();
    if (body.sizeBytes !== undefined && file.sizeBytes - start !== body.sizeBytes)
      throw new CodedError("size-invalid", `${file.sizeBytes - start} bytes came instead of ${body.sizeBytes}`);
    return file.sizeBytes;
  }

  async finish(repository: string, upload: string, digest: Digest): Promise<number> {
    await this.sizeOf(repository, upload);
    try {
      const size = await this.#content.pins.hold(digest, async () => {
        const bytes = await this.#content.blobs.commitUpload(upload, digest);
        this.#layers.finish(upload, digest, bytes);
        await this.#content.linkBlob(repository, digest, bytes);
        return bytes;
      });
      await this.#remove(upload);
      return size;
    } catch (error) {
      // Bytes that are not what they should be cannot become it by appending, and what was refused as too much is not kept.
      if (isCoded(error, "digest-mismatch") || isCoded(error, "quota-exceeded")) await this.#remove(upload);
      throw error;
    }
  }

  async cancel(repository: string, upload: string): Promise<void> {
    await this.sizeOf(repository, upload);
    await this.#remove(upload);
  }

  async expire(): Promise<void> {
    const before = this.#context.clock.now() - MAX_UPLOAD_AGE_MS;
    for (const upload of await this.#content.blobs.staleUploads(before)) await this.#remove(upload);
    const rows = await this.#context.database.read
      .selectFrom("registry_uploads")
      .select("id")
      .where("created_at", "<", toInstant(before))
      .execute();
    for (const { id } of rows) if ((await this.#content.blobs.uploadSize(id)) === undefined) await this.#remove(id);
  }

  async #full(project: string): Promise<CodedError> {
    return fullBytes(project, (await quotaOf(this.#context.database.read, project)).maxBytes);
  }

  async #remove(upload: string): Promise<void> {
    this.#layers.drop(upload);
    const { database } = this.#context;
    await database.writeLazily((trx) => trx.deleteFrom("registry_uploads").where("id", "=", upload).execute());
    await this.#content.blobs.removeUpload(upload);
  }
}

/** The body as long as the client sends it; a broken connection is the client's matter, and what came is kept. */
async function* arriving(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    throw new CodedError("upload-interrupted", "the connection ended in the middle of the upload", { cause });
  }
}
