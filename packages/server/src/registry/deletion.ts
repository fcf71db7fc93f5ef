import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { type ManifestName, projectOf } from "./path.ts";
import { checkFree, type ReleaseGuard } from "./release-guard.ts";

type Ports = Pick<Context, "database" | "events"> & { readonly releaseGuard: ReleaseGuard };

/** Takes a tag, or a manifest with all its tags, out of the repository; throws `manifest-unknown`, `in-use`. */
export async function deleteManifest(
  { database, events, releaseGuard }: Ports,
  repository: string,
  name: ManifestName,
  actor: Actor,
): Promise<void> {
  const project = projectOf(repository);
  await database.write(async (trx) => {
    await checkFree(releaseGuard, trx, repository, name);
    const tags = trx.deleteFrom("registry_tags").where("project", "=", project).where("repository", "=", repository);
    if (name.kind === "tag") {
      const gone = await tags.where("tag", "=", name.tag).executeTakeFirst();
      if (gone.numDeletedRows === 0n) throw unknown(name.tag);
      const subject = `repository/${repository}`;
      await events.append(trx, { project, actor, action: "tag.deleted", subject, data: { repository, tag: name.tag } });
      return;
    }
    const gone = await trx
      .deleteFrom("registry_manifests")
      .where("project", "=", project)
      .where("repository", "=", repository)
      .where("digest", "=", name.digest)
      .executeTakeFirst();
    if (gone.numDeletedRows === 0n) throw unknown(name.digest);
    await tags.where("digest", "=", name.digest).execute();
    const subject = `image/${name.digest}`;
    await events.append(trx, { project, actor, action: "image.deleted", subject, data: { repository } });
  });
}

/** Takes a blob out of the repository; throws `blob-unknown`, `in-use`. The bytes stay as long as another repository has them. */
export async function deleteBlob(
  { database, events, releaseGuard }: Ports,
  repository: string,
  digest: Digest,
  actor: Actor,
): Promise<void> {
  const project = projectOf(repository);
  await database.write(async (trx) => {
    await checkFree(releaseGuard, trx, repository, { kind: "digest", digest });
    const gone = await trx
      .deleteFrom("registry_blobs")
      .where("project", "=", project)
      .where("repository", "=", repository)
      .where("digest", "=", digest)
      .executeTakeFirst();
    if (gone.numDeletedRows === 0n) throw new CodedError("blob-unknown", `the repository does not have ${digest}`);
    const subject = `repository/${repository}`;
    await events.append(trx, { project, actor, action: "blob.deleted", subject, data: { repository, digest } });
  });
}

function unknown(name: string): CodedError {
  return new CodedError("manifest-unknown", `the repository does not have ${name}`);
}
