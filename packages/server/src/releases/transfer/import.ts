import { canonicalJson } from "@flotilla/base/canonical-json";
import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import { appProblems } from "@flotilla/compose/validate";
import { type Descriptor, parseManifest } from "@flotilla/oci/manifest";
import { NormalisedAppSchema } from "@flotilla/protocol/api/normalised-app";
import {
  COMPOSE_LAYER_TYPE,
  RELEASE_ARTIFACT_TYPE,
  RELEASE_CONFIG_TYPE,
  ReleaseDocument,
} from "@flotilla/protocol/release";
import { Value } from "typebox/value";
import type { Actor } from "../../audit/events.ts";
import type { Content } from "../../registry/content.ts";
import { admitRelease, judgeRelease, type ReleasePorts } from "../admit.ts";
import { artifactOf, checkFiles, MAX_COMPOSE_BYTES } from "../artifact.ts";
import type { RecordedRelease } from "../record.ts";
import { checkImported } from "./imported-images.ts";

/** Largest release document that is read. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;

export interface ImportedRelease {
  readonly project: string;
  readonly app: string;
  /** Digest of the artifact, which was pushed to `<project>/<app>`. */
  readonly release: Digest;
  readonly actor: Actor;
}

/**
 * Makes a release of an artifact that another server made and somebody pushed here: it keeps its digest, and goes through this server's gate.
 * Nothing in it is believed: document and application must be what a server would have made of the images that are here. Throws `release-invalid`,
 * `image-unknown`, `file-unknown`, and what {@link admitRelease} throws.
 */
export async function importRelease(ports: ReleasePorts, input: ImportedRelease): Promise<RecordedRelease> {
  const { project, app: name, release, actor } = input;
  const { content } = ports;
  const repository = `${project}/${name}`;
  const { document, app } = await readArtifact(content, repository, release);
  if (document.app !== name || app.name !== name)
    throw invalid(`it is a release of ${document.app.slice(0, 63)}, not of ${name}`);
  const problem = appProblems(app)[0];
  if (problem !== undefined) throw invalid(`${problem.field}: ${problem.message}`);
  const artifact = artifactOf(document, app);
  if (artifact.digest !== release) throw invalid("its manifest is not the one of its document and application");
  await checkFiles(content, repository, app);
  const images = await checkImported(content, { project, app, document });
  const admission = { project, actor, app, artifact, images };
  return admitRelease(ports, admission, await judgeRelease(ports, admission));
}

async function readArtifact(
  content: Content,
  repository: string,
  digest: Digest,
): Promise<{ readonly document: ReleaseDocument; readonly app: NormalisedApp }> {
  const stored = await content.getManifest(repository, { kind: "digest", digest });
  if (stored === undefined)
    throw new CodedError("image-unknown", `${repository} does not have ${digest}: push it first`);
  const manifest = parseManifest(stored.bytes, stored.mediaType);
  if (manifest.kind !== "image" || manifest.artifactType !== RELEASE_ARTIFACT_TYPE) throw invalid("it is no release");
  const [first] = manifest.layers;
  if (manifest.config.mediaType !== RELEASE_CONFIG_TYPE || first?.mediaType !== COMPOSE_LAYER_TYPE)
    throw invalid("it has no release document or no application");
  const document = await readJson(content, repository, manifest.config, MAX_DOCUMENT_BYTES);
  const app = await readJson(content, repository, first, MAX_COMPOSE_BYTES);
  if (!Value.Check(ReleaseDocument, document)) throw invalid("its document is not one");
  if (!Value.Check(NormalisedAppSchema, app)) throw invalid("its application is not in a form that this server knows");
  // The schema held it to the normal form; digests in it fit the brand's pattern.
  return { document, app: app as NormalisedApp };
}

async function readJson(content: Content, repository: string, blob: Descriptor, maxBytes: number): Promise<unknown> {
  const sizeBytes = await content.hasBlob(repository, blob.digest);
  if (sizeBytes === undefined)
    throw new CodedError("image-unknown", `${repository} does not have ${blob.digest}: push it first`);
  if (sizeBytes > maxBytes) throw new CodedError("too-large", `${blob.digest} is larger than ${maxBytes} bytes`);
  const parts: Uint8Array[] = [];
  for await (const part of content.blobs.read(blob.digest)) parts.push(part);
  const text = Buffer.concat(parts).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (canonicalJson(value) === text) return value;
  } catch {
    throw invalid(`${blob.digest} is not JSON`);
  }
  throw invalid(`${blob.digest} is not in canonical form`);
}

function invalid(why: string): CodedError {
  return new CodedError("release-invalid", `this artifact cannot become a release: ${why}`);
}
