import { CodedError } from "@flotilla/base/errors";
import { formatBytes } from "@flotilla/base/units";
import type { ConfigFile } from "@flotilla/compose/parse";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";
import { registrySource } from "@flotilla/oci/content";
import { type CopyProgress, copyImage } from "@flotilla/oci/copy";
import { type Platform, parsePlatform } from "@flotilla/oci/platform";
import { formatReference, manifestNameOf, parseReference, type Reference } from "@flotilla/oci/reference";
import type { ReleaseImageInput } from "@flotilla/protocol/api/releases";
import { isLoopback, type Session } from "../session.ts";
import { dockerCredentials } from "./docker-credentials.ts";

export interface CopyContext {
  readonly session: Session;
  /** Docker's client configuration, for credentials of other registries. */
  readonly dockerConfigFile: string;
  /** As `os/architecture[/variant]`; all when absent. */
  readonly platforms?: readonly string[] | undefined;
  readonly onProgress: (image: string, detail: string) => void;
}

/** The server's own registry, spoken to with the session's token. */
export function ownRegistry({ server, token, ca }: Session): RegistryClient {
  return createRegistryClient({
    baseUrl: new URL(server).origin,
    credentials: { kind: "basic", username: "token", password: token },
    ...(ca === undefined ? {} : { ca }),
  });
}

/** Stores the files that configs mount in the app's repository, where they are not yet. */
export async function pushConfigFiles(
  registry: RegistryClient,
  repository: string,
  files: readonly ConfigFile[],
): Promise<void> {
  for (const { digest, bytes } of files) {
    if ((await registry.blobSize(repository, digest)) !== undefined) continue;
    await registry.pushBlob(repository, { digest, sizeBytes: bytes.length, content: bytes });
  }
}

/**
 * Brings every image into the project's part of the server's registry and says where it is. A reference without a host, or with the
 * server's own, is there already; others are copied by digest, and what the registry has is not sent again.
 */
export async function copyImages(
  registry: RegistryClient,
  references: readonly string[],
  context: CopyContext,
): Promise<readonly ReleaseImageInput[]> {
  const platforms = context.platforms?.map(readPlatform);
  const result: ReleaseImageInput[] = [];
  for (const text of references) {
    const reference = parseReference(text);
    result.push(await bringImage(registry, text, reference, platforms, context));
  }
  return result;
}

async function bringImage(
  registry: RegistryClient,
  text: string,
  reference: Reference,
  platforms: readonly Platform[] | undefined,
  context: CopyContext,
): Promise<ReleaseImageInput> {
  const { project } = context.session;
  const own = reference.registry === undefined || reference.registry === registry.baseUrl.host;
  const name = reference.repository.startsWith(`${project}/`)
    ? reference.repository
    : `${project}/${reference.repository}`;
  if (own && (reference.registry === undefined || name === reference.repository)) {
    context.onProgress(text, "looking it up");
    return lookUp(registry, text, { ...reference, repository: name });
  }
  const from = own ? registry : await otherRegistry(reference, context.dockerConfigFile);
  const copied = await copyImage({
    from: registrySource(from, reference.repository),
    name: manifestNameOf(reference),
    to: registry,
    repository: name,
    platforms,
    onProgress: (progress) => context.onProgress(text, describe(progress)),
  });
  return { reference: text, repository: name, digest: copied.digest };
}

async function lookUp(registry: RegistryClient, text: string, reference: Reference): Promise<ReleaseImageInput> {
  const found = await registry.headManifest(reference.repository, manifestNameOf(reference));
  const digest = found?.digest ?? reference.digest;
  if (found !== undefined && digest !== undefined) return { reference: text, repository: reference.repository, digest };
  const target = formatReference({ ...reference, registry: registry.baseUrl.host });
  throw new CodedError(
    "image-unknown",
    `the server's registry does not have ${text}: docker push ${target}, or name another registry as HOST/${text}`,
  );
}

async function otherRegistry(reference: Reference, dockerConfigFile: string): Promise<RegistryClient> {
  const host = reference.registry ?? "";
  const scheme = isLoopback(hostName(host)) ? "http" : "https";
  const credentials = await dockerCredentials(dockerConfigFile, host);
  return createRegistryClient({
    baseUrl: `${scheme}://${host}`,
    ...(credentials === undefined ? {} : { credentials }),
  });
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "");
}

function describe({ doneBytes, totalBytes, skippedBytes }: CopyProgress): string {
  if (totalBytes > 0 && skippedBytes === totalBytes) return `${formatBytes(totalBytes)}, all there already`;
  const there = skippedBytes > 0 ? `, ${formatBytes(skippedBytes)} there already` : "";
  return `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}${there}`;
}

function readPlatform(text: string): Platform {
  const platform = parsePlatform(text);
  if (platform === undefined)
    throw new CodedError("usage", `--platform ${text}: write it as linux/arm64 or linux/arm/v7`);
  return platform;
}
