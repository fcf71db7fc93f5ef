// Small real images for the stories: static busybox and a page, built without Docker and pushed as any client would.
import { readFileSync } from "node:fs";
import { type BuiltImage, buildImage } from "@flotilla/oci/build";
import { createRegistryClient } from "@flotilla/oci/client";
import type { RunConfig } from "@flotilla/oci/image-config";

const SECOND_NS = 1_000_000_000;

/** A web page served by busybox on port 8080; `/data` is a volume; healthy when the page answers. */
export function webImage(page: string, config: RunConfig = {}): BuiltImage {
  return buildImage({
    base: busybox(),
    files: { "www/index.html": page },
    config: {
      Cmd: ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"],
      ExposedPorts: { "8080/tcp": {} },
      Healthcheck: {
        Test: ["CMD", "/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"],
        Interval: SECOND_NS,
        Timeout: SECOND_NS,
        Retries: 3,
      },
      ...config,
    },
  });
}

/** Starts, but its health check never passes. */
export function unhealthyImage(page: string): BuiltImage {
  return webImage(page, {
    Healthcheck: { Test: ["CMD", "/bin/busybox", "false"], Interval: SECOND_NS, Timeout: SECOND_NS, Retries: 2 },
  });
}

/** Ends with an error as soon as it starts. */
export function crashingImage(page: string): BuiltImage {
  return webImage(page, { Cmd: ["/bin/busybox", "sh", "-c", "echo cannot open the database; exit 3"] });
}

/** Names a program that is not there: the engine cannot start it. */
export function unstartableImage(page: string): BuiltImage {
  return webImage(page, { Cmd: ["/bin/not-there"] });
}

/** Carries a private key: the guard blocks it. The key is made here, for nobody. */
export function leakyImage(page: string, privateKeyPem: string): BuiltImage {
  return buildImage({ base: webImage(page), files: { "etc/app/id_key.pem": privateKeyPem } });
}

let base: BuiltImage | undefined;

function busybox(): BuiltImage {
  base ??= buildImage({
    files: {
      "bin/busybox": { content: readFileSync("/bin/busybox"), mode: 0o755 },
      "tmp/": { mode: 0o1777 },
      "data/": {},
    },
  });
  return base;
}

/** Pushes an image to `<repository>:<tag>` of the server's registry. */
export async function pushImage(
  server: { readonly url: string; readonly token: string },
  repository: string,
  tag: string,
  image: BuiltImage,
): Promise<string> {
  const client = createRegistryClient({
    baseUrl: server.url,
    credentials: { kind: "basic", username: "token", password: server.token },
  });
  for (const blob of image.blobs)
    await client.pushBlob(repository, { digest: blob.digest, sizeBytes: blob.bytes.length, content: blob.bytes });
  return client.putManifest(repository, tag, image.manifest);
}
