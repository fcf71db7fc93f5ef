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

/** Raw requests to `/v2/<path>` of a test server, as its owner unless another token is given. */
export function rawRegistry(server: TestServer, token = server.ownerToken) {
  return (
    method: string,
    path: string,
    options: { body?: Uint8Array | string; headers?: Record<string, string> } = {},
  ) =>
    fetch(new URL(path, `${server.url}/v2/`), {
      method,
      headers: { authorization: `Bearer ${token}`, ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body as Exclude<RequestInit["body"], undefined> }),
    });
}

/** The code in an error body of the registry. */
export async function errorCode(response: Response): Promise<string | undefined> {
  const body = (await response.json()) as { readonly errors?: readonly { readonly code: string }[] };
  return body.errors?.[0]?.code;
}
