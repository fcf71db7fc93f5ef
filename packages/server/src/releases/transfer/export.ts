import { toInstant } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { parseManifest } from "@flotilla/oci/manifest";
import { formatPlatform } from "@flotilla/oci/platform";
import { type ExportContent, MAX_EXPORT_CONTENTS, type ReleaseExport } from "@flotilla/protocol/api/release-transfer";
import type { ReleaseDocument, ReleaseImage } from "@flotilla/protocol/release";
import type { Context } from "../../context.ts";
import type { Content } from "../../registry/content.ts";
import type { ReleaseRow } from "../rows.ts";

/** Most manifests that refer to a release (SBOM, verdict, signatures) in one file. */
const MAX_REFERRERS = 100;

export interface ExportPorts {
  readonly context: Context;
  readonly content: Content;
}

/**
 * Everything that a file with this release holds: images of the platforms, then the artifact, then what refers to it. Throws `platform-missing` when an image
 * has none of the platforms.
 */
export async function describeExport(
  { context, content }: ExportPorts,
  row: ReleaseRow,
  platforms: readonly string[] | undefined,
): Promise<ReleaseExport> {
  const document = JSON.parse(row.document) as ReleaseDocument;
  const listing = createListing(content);
  const chosen = new Set<string>();
  for (const image of Object.values(document.images)) await listImage(listing, image, platforms, chosen);
  const repository = `${row.project}/${row.app}`;
  await listing.add(repository, row.digest);
  for (const referrer of await referrersOf(context, repository, row)) await listing.add(repository, referrer);
  return {
    format: 1,
    app: row.app,
    tag: `r${row.number}`,
    release: row.digest,
    exportedAt: toInstant(context.clock.now()),
    server: context.config.publicUrl,
    platforms: [...chosen].toSorted(),
    contents: [...listing.contents()],
  };
}

async function listImage(
  listing: Listing,
  image: ReleaseImage,
  platforms: readonly string[] | undefined,
  chosen: Set<string>,
): Promise<void> {
  const fitting = image.platforms.filter((each) => platforms?.includes(formatPlatform(each)) ?? true);
  if (fitting.length === 0)
    throw new CodedError("platform-missing", `${image.reference} is not there for ${platforms?.join(", ") ?? "any"}`);
  for (const platform of fitting) {
    chosen.add(formatPlatform(platform));
    await listing.add(image.repository, platform.manifest);
  }
  await listing.add(image.repository, image.digest);
}

async function referrersOf({ database }: Context, repository: string, row: ReleaseRow): Promise<readonly string[]> {
  const rows = await database.read
    .selectFrom("registry_manifests")
    .select("digest")
    .where("project", "=", row.project)
    .where("repository", "=", repository)
    .where("subject", "=", row.digest)
    .orderBy("digest")
    .limit(MAX_REFERRERS)
    .execute();
  return rows.map(({ digest }) => digest);
}

interface Listing {
  /** A manifest after the blobs that it names, each once. */
  add(repository: string, digest: string): Promise<void>;
  contents(): Iterable<ExportContent>;
}

function createListing(content: Content): Listing {
  const listed = new Map<string, ExportContent>();
  function put(entry: ExportContent): void {
    const key = `${entry.kind} ${entry.repository} ${entry.digest}`;
    if (!listed.has(key)) listed.set(key, entry);
    if (listed.size > MAX_EXPORT_CONTENTS)
      throw new CodedError("too-large", `the release has more than ${MAX_EXPORT_CONTENTS} parts`);
  }
  return {
    contents: () => listed.values(),
    async add(repository, digest) {
      const stored = await content.getManifest(repository, { kind: "digest", digest: asDigest(digest) });
      if (stored === undefined) throw new CodedError("image-unknown", `${repository} does not have ${digest} any more`);
      const manifest = parseManifest(stored.bytes, stored.mediaType);
      if (manifest.kind === "image")
        for (const { digest: blob, size, mediaType } of [manifest.config, ...manifest.layers])
          put({ kind: "blob", repository, digest: blob, sizeBytes: size, mediaType });
      const { sizeBytes, mediaType } = stored;
      put({ kind: "manifest", repository, digest, sizeBytes, mediaType });
    },
  };
}
