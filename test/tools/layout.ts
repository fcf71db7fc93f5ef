import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuiltIndex, buildImage, buildIndex } from "@flotilla/oci/build";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";

/** An index of an image for amd64 and one for arm64, which share their first layer. */
export function twoPlatforms(text: string): BuiltIndex {
  const shared = buildImage({ files: { "shared.txt": text.repeat(5000) } });
  const images = (["amd64", "arm64"] as const).map((architecture) =>
    buildImage({
      base: shared,
      files: { "app/which.txt": `${text} ${architecture}` },
      config: { Cmd: ["/app/run"] },
      platform: { os: "linux", architecture },
    }),
  );
  return buildIndex(images);
}

/** Writes the OCI layout (image-spec, "Image Layout") that has `index` under a tag. */
export function writeLayout(folder: string, { manifest, images }: BuiltIndex, tag: string): void {
  mkdirSync(join(folder, "blobs", "sha256"), { recursive: true });
  for (const { digest, bytes } of [manifest, ...images.flatMap((image) => [image.manifest, ...image.blobs])])
    writeFileSync(join(folder, "blobs", ...digest.split(":")), bytes);
  const { mediaType, digest, bytes } = manifest;
  const annotations = { "org.opencontainers.image.ref.name": tag };
  const manifests = [{ mediaType, digest, size: bytes.length, annotations }];
  writeFileSync(
    join(folder, "index.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }),
  );
  writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}
