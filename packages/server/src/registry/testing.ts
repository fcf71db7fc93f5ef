import type { BuiltImage } from "@flotilla/oci/build";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";
import type { TestServer } from "../testing.ts";

/** A registry client of a test server; the owner's token unless another is given. */
export function registryClient(server: TestServer, token = server.ownerToken): RegistryClient {
  return createRegistryClient({
    baseUrl: server.url,
    credentials: { kind: "basic", username: "token", password: token },
  });
}

/** Pushes a built image under a tag. */
export async function pushImage(
  client: RegistryClient,
  repository: string,
  tag: string,
  image: BuiltImage,
): Promise<void> {
  for (const { digest, bytes } of image.blobs)
    await client.pushBlob(repository, { digest, sizeBytes: bytes.length, content: bytes });
  await client.putManifest(repository, tag, image.manifest);
}
