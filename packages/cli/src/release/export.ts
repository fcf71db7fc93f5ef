import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { asDigest } from "@flotilla/base/digest";
import { formatBytes } from "@flotilla/base/units";
import type { RegistryClient } from "@flotilla/oci/client";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";
import { padding, tarEnd, tarHeader } from "@flotilla/oci/tar/write";
import {
  type ExportContent,
  type ReleaseExport,
  ReleaseKey,
  SignedExport,
} from "@flotilla/protocol/api/release-transfer";
import { note, print, printJson, startProgress } from "../output.ts";
import type { Invocation } from "../session.ts";
import { ownRegistry } from "./copy-images.ts";
import { openExport, readTrustedKey } from "./export-envelope.ts";
import { releasePath } from "./paths.ts";
import { blobEntry, ENVELOPE_ENTRY } from "./release-file.ts";

export interface ExportOptions {
  readonly output: string;
  readonly platform: readonly string[];
}

/** `release export`: one file with the release, its images and what refers to it, under the server's signature. */
export async function exportRelease(run: Invocation, app: string, name: string, options: ExportOptions): Promise<void> {
  const session = run.session();
  const body = options.platform.length === 0 ? {} : { platforms: options.platform };
  const { envelope, key } = await session.client.post(`${releasePath(session, app, name)}/export`, body, SignedExport);
  const text = Buffer.from(JSON.stringify(envelope));
  // As whoever imports it will read it.
  const { document } = openExport(text, [readTrustedKey(key.publicKey)]);
  const part = `${options.output}.part`;
  const file = await open(part, "w");
  try {
    await writeFile(file, text, document, ownRegistry(session));
    await file.sync();
    await file.close();
    await rename(part, options.output);
  } catch (error) {
    await file.close().catch(() => undefined); // the first error is the one to tell
    await rm(part, { force: true });
    throw error;
  }
  if (run.json)
    return printJson({ file: options.output, release: document.release, platforms: document.platforms, key });
  note(`${app} ${document.tag} for ${document.platforms.join(", ")} is in ${options.output}`);
  note(`import it:  flotilla release import ${options.output} --key ${key.publicKey}`);
}

/** `release key`: what `release import --key` on another server wants. */
export async function showReleaseKey(run: Invocation): Promise<void> {
  const session = run.session();
  const key = await session.client.get(
    `/api/v1/projects/${encodeURIComponent(session.project)}/release-key`,
    ReleaseKey,
  );
  if (run.json) return printJson(key);
  print(key.publicKey);
}

async function writeFile(
  file: FileHandle,
  envelope: Uint8Array,
  document: ReleaseExport,
  registry: RegistryClient,
): Promise<void> {
  const contents = [...new Map(document.contents.map((content) => [content.digest, content])).values()];
  const totalBytes = contents.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const progress = startProgress();
  let doneBytes = 0;
  await writeEntry(file, ENVELOPE_ENTRY, envelope.length, [envelope]);
  for (const [path, value] of layoutFiles(document)) {
    const bytes = Buffer.from(JSON.stringify(value));
    await writeEntry(file, path, bytes.length, [bytes]);
  }
  for (const content of contents) {
    await writeEntry(file, blobEntry(content.digest), content.sizeBytes, await read(registry, content));
    doneBytes += content.sizeBytes;
    progress.update("writing", `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`);
  }
  await file.write(tarEnd());
  progress.done();
}

/** What makes the file an OCI image layout (image-spec, image-layout.md). Import does not look at it. */
function layoutFiles({ app, tag, release, contents }: ReleaseExport): readonly (readonly [string, unknown])[] {
  const manifests = contents
    .filter(({ kind }) => kind === "manifest")
    .map(({ digest, sizeBytes, mediaType, repository }) => ({
      mediaType,
      digest,
      size: sizeBytes,
      annotations: {
        "io.flotilla.repository": repository,
        ...(digest === release ? { "org.opencontainers.image.ref.name": `${app}-${tag}` } : {}),
      },
    }));
  return [
    ["oci-layout", { imageLayoutVersion: "1.0.0" }],
    ["index.json", { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }],
  ];
}

async function read(
  registry: RegistryClient,
  { kind, repository, digest: text, sizeBytes }: ExportContent,
): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>> {
  const digest = asDigest(text);
  if (kind === "blob") return registry.readBlob(repository, { digest, size: sizeBytes });
  return [(await registry.getManifest(repository, digest)).bytes];
}

async function writeEntry(
  file: FileHandle,
  path: string,
  sizeBytes: number,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await file.write(tarHeader({ path, kind: "file", sizeBytes }));
  for await (const chunk of content) await file.write(chunk);
  await file.write(padding(sizeBytes));
}
