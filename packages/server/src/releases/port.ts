import type { Digest } from "@flotilla/base/digest";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { ReleaseDocument } from "@flotilla/protocol/release";

/** A release as rollouts and targets need it. */
export interface KnownRelease {
  readonly project: string;
  readonly app: string;
  /** Digest of the release artifact's manifest. */
  readonly digest: Digest;
  /** `r3`. */
  readonly tag: string;
  /** `<project>/<app>`: where the artifact is. Its images are in `document.images[].repository`. */
  readonly repository: string;
  readonly document: ReleaseDocument;
  /** What the device fills in, by name; a variable without a default is required. */
  readonly variables: NormalisedApp["variables"];
}

/** What other features ask about releases. */
export interface Releases {
  /** A release of the project's app by digest (`sha256:…`) or tag (`r3`), or undefined. */
  find(project: string, app: string, digestOrTag: string): Promise<KnownRelease | undefined>;
}
