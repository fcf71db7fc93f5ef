import { asDigest, type Digest } from "@flotilla/base/digest";
import { type ComposeResult, parseCompose } from "@flotilla/compose/parse";
import { type BuildLayer, type BuiltImage, type BuiltIndex, buildImage } from "@flotilla/oci/build";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";
import type { CreateReleaseRequest } from "@flotilla/protocol/api/releases";
import type { TestServer } from "../testing.ts";

/** A package as npm installs it. */
export function npmPackage(name: string, version: string): BuildLayer {
  return { [`app/node_modules/${name}/package.json`]: JSON.stringify({ name, version }) };
}

/** An image that the built-in policy blocks, for a vulnerability of high severity that 3.0.0 fixes. */
export const vulnerableImage = () => buildImage({ files: [{ "bin/web": "v1" }, npmPackage("jquery", "2.2.4")] });
/** An image that it lets pass. */
export const goodImage = (text = "v1", options: { readonly created?: string } = {}) =>
  buildImage({ files: { "bin/web": text }, ...options });

export function registryClient(server: TestServer, token = server.ownerToken): RegistryClient {
  return createRegistryClient({
    baseUrl: server.url,
    credentials: { kind: "basic", username: "token", password: token },
  });
}

/** Pushes an image, or an index with all of its images. */
export async function push(
  server: TestServer,
  repository: string,
  image: BuiltImage | BuiltIndex,
  name: string = image.manifest.digest,
): Promise<Digest> {
  const client = registryClient(server);
  const images = "images" in image ? image.images : [image];
  for (const one of images) {
    for (const blob of one.blobs)
      await client.pushBlob(repository, { digest: blob.digest, sizeBytes: blob.bytes.length, content: blob.bytes });
    await client.putManifest(repository, one.manifest.digest, one.manifest);
  }
  return client.putManifest(repository, name, image.manifest);
}

/** What a client sends for compose text whose images are at these digests in `default/…`. */
export async function releaseRequest(
  text: string,
  images: Readonly<Record<string, string>>,
  more: Partial<CreateReleaseRequest> = {},
): Promise<CreateReleaseRequest> {
  const { app } = await compose(text);
  if (app === undefined) throw new Error("the fixture's compose file has problems");
  const list = Object.entries(images).map(([reference, digest]) => ({
    reference,
    repository: `default/${reference.split(":")[0]}`,
    digest: asDigest(digest),
  }));
  return { compose: app as unknown as CreateReleaseRequest["compose"], images: list, ...more };
}

export function compose(text: string, files: Readonly<Record<string, string>> = {}): Promise<ComposeResult> {
  return parseCompose({
    files: [{ path: "compose.yaml", text }],
    env: {},
    read: async (path) => (files[path] === undefined ? undefined : new TextEncoder().encode(files[path])),
  });
}
