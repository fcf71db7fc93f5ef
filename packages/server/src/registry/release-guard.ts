import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { Transaction } from "kysely";
import type { Tables } from "../store/tables.ts";
import { type ManifestName, projectOf } from "./path.ts";

/** What the registry asks the releases before it lets go of something: a release never changes while it is there. */
export interface ReleaseGuard {
  /** A release that needs this tag, manifest or blob of the repository (`shop r3`), or undefined. Asked inside the transaction that would change it. */
  protectorOf(trx: Transaction<Tables>, repository: string, name: ManifestName): Promise<string | undefined>;
}

/** Throws `in-use` when a release needs it. */
export async function checkFree(
  guard: ReleaseGuard,
  trx: Transaction<Tables>,
  repository: string,
  name: ManifestName,
): Promise<void> {
  const release = await guard.protectorOf(trx, repository, name);
  if (release === undefined) return;
  const what = name.kind === "tag" ? `the tag ${name.tag}` : name.digest;
  throw new CodedError("in-use", `the release ${release} needs ${what} of ${repository}: releases never change`, {
    details: { release },
  });
}

/** Throws `in-use` when one of the tags is a release's and would come to name something else. */
export async function checkTags(
  guard: ReleaseGuard,
  trx: Transaction<Tables>,
  repository: string,
  tags: readonly string[],
  digest: Digest,
): Promise<void> {
  for (const tag of tags) {
    const row = await trx
      .selectFrom("registry_tags")
      .select("digest")
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .where("tag", "=", tag)
      .executeTakeFirst();
    if (row?.digest !== digest) await checkFree(guard, trx, repository, { kind: "tag", tag });
  }
}
