import { canonicalJson } from "@flotilla/base/canonical-json";
import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { ReleaseDocument, ReleaseImage } from "@flotilla/protocol/release";
import type { Content } from "../../registry/content.ts";
import { type ResolvedImage, resolveImages } from "../resolve-images.ts";

/**
 * The images of a release as this registry has them: every one with at least one platform of the document, and each platform that is here exactly as the
 * document says. What comes back names only those platforms. Throws `release-invalid`, `image-unknown` and others of {@link resolveImages}.
 */
export async function checkImported(
  content: Content,
  {
    project,
    app,
    document,
  }: { readonly project: string; readonly app: NormalisedApp; readonly document: ReleaseDocument },
): Promise<readonly ReleaseImage[]> {
  for (const [reference, image] of Object.entries(document.images))
    if (image.reference !== reference) throw invalid(`an image stands under another name than ${reference}`);
  const foreign = Object.values(document.images).find(({ repository }) => !repository.startsWith(`${project}/`));
  if (foreign !== undefined)
    throw new CodedError(
      "project-differs",
      `the release names ${foreign.repository}: it can only be imported into a project of that name, not into ${project}`,
    );
  const inputs = Object.values(document.images).map(({ reference, repository, digest }) => ({
    reference,
    repository,
    digest,
  }));
  const resolved = await resolveImages(content, { project, app, images: inputs });
  return resolved.map((image) => agreed(image, document.images[image.image.reference]));
}

function agreed({ image: here, provenanceOf }: ResolvedImage, said: ReleaseImage | undefined): ReleaseImage {
  if (said === undefined) throw invalid(`it does not name the image ${here.reference}`);
  const platforms = here.platforms.filter((platform) => {
    const other = said.platforms.find(({ manifest }) => manifest === platform.manifest);
    if (other !== undefined && canonicalJson(other) !== canonicalJson(platform))
      throw invalid(`what it says of ${here.reference} is not what ${platform.manifest} holds`);
    return other !== undefined;
  });
  if (platforms.length === 0)
    throw new CodedError("image-unknown", `no platform of ${here.reference} that the release names is here: push one`);
  // Fewer platforms agree on more.
  const claims = provenanceOf(new Set(platforms.map(({ manifest }) => manifest)));
  for (const [key, value] of Object.entries(said.provenance ?? {}))
    if (claims[key] !== value) throw invalid(`${here.reference} does not say the ${key.slice(0, 80)} that it names`);
  return { ...said, platforms };
}

function invalid(why: string): CodedError {
  return new CodedError("release-invalid", `this artifact cannot become a release: ${why}`);
}
