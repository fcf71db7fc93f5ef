import { asDigest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import { formatBytes } from "@flotilla/base/units";
import type { RegistryClient } from "@flotilla/oci/client";
import { type ExportContent, type ReleaseExport, ReleaseKey } from "@flotilla/protocol/api/release-transfer";
import { ReleaseDetail } from "@flotilla/protocol/api/releases";
import { note, printJson, startProgress } from "../output.ts";
import type { Invocation, Session } from "../session.ts";
import { ownRegistry } from "./copy-images.ts";
import { gateOf, postRelease, showBlocked } from "./create.ts";
import { readTrustedKey, type TrustedKey } from "./export-envelope.ts";
import { openReleaseFile, type ReleaseFile } from "./release-file.ts";
import { printRelease, printWarnings } from "./report.ts";

export interface ImportOptions {
  readonly key: readonly string[];
}

/** `release import`: verifies signature and every digest before anything is pushed, then lets this server's gate decide. */
export async function importRelease(run: Invocation, path: string, options: ImportOptions): Promise<void> {
  const given = options.key.map(readTrustedKey);
  const session = run.session();
  const file = openReleaseFile(path, given.length > 0 ? given : [await ownKey(session)]);
  const { document } = file;
  checkProject(document, session.project);
  await verifyContents(file);
  await push(file, ownRegistry(session));
  const project = encodeURIComponent(session.project);
  const imports = `/api/v1/projects/${project}/apps/${document.app}/release-imports`;
  try {
    const release = await postRelease(session, imports, { release: document.release }, ReleaseDetail);
    if (run.json) return printJson({ ...release, signedBy: file.signedBy.keyid });
    printWarnings(release.gate);
    note(`signed by ${file.signedBy.keyid}, exported ${document.exportedAt} from ${document.server}`);
    printRelease(release);
  } catch (error) {
    if (isCoded(error, "release-blocked")) showBlocked(run, gateOf(error));
    throw error;
  }
}

/** Without `--key`, a server takes back what it exported itself. */
async function ownKey({ client, project }: Session): Promise<TrustedKey> {
  const key = await client.get(`/api/v1/projects/${encodeURIComponent(project)}/release-key`, ReleaseKey);
  return readTrustedKey(key.publicKey);
}

/** The release names its repositories with their project, and its digest pins them. */
function checkProject({ contents }: ReleaseExport, project: string): void {
  const other = contents.find(({ repository }) => !repository.startsWith(`${project}/`));
  if (other === undefined) return;
  const name = other.repository.split("/", 1)[0] ?? "";
  throw new CodedError(
    "project-differs",
    `the release is of a project ${name}, and keeps its digest only in a project of that name: --project ${name}`,
  );
}

async function verifyContents(file: ReleaseFile): Promise<void> {
  const progress = startProgress();
  let doneBytes = 0;
  await file.verify((bytes) => {
    doneBytes += bytes;
    progress.update("verifying", formatBytes(doneBytes));
  });
  progress.done();
}

/** In the order of the file: blobs before the manifests that name them. */
async function push(file: ReleaseFile, registry: RegistryClient): Promise<void> {
  const progress = startProgress();
  for (const [index, content] of file.document.contents.entries()) {
    progress.update("pushing", `${index + 1} of ${file.document.contents.length}`);
    if (content.kind === "manifest") await pushManifest(file, registry, content);
    else await pushBlob(file, registry, content);
  }
  progress.done();
}

async function pushManifest(file: ReleaseFile, registry: RegistryClient, content: ExportContent): Promise<void> {
  const parts: Uint8Array[] = [];
  for await (const part of file.read(content)) parts.push(part);
  const { repository, digest, mediaType } = content;
  await registry.putManifest(repository, digest, { bytes: Buffer.concat(parts), mediaType });
}

async function pushBlob(file: ReleaseFile, registry: RegistryClient, content: ExportContent): Promise<void> {
  const { repository, sizeBytes } = content;
  const digest = asDigest(content.digest);
  if ((await registry.blobSize(repository, digest)) !== undefined) return;
  await registry.pushBlob(repository, { digest, sizeBytes, content: () => file.read(content) });
}
