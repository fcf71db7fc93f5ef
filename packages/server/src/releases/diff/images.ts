import type { ImageChange } from "@flotilla/protocol/api/release-diff";
import type { ReleaseDocument, ReleaseImage } from "@flotilla/protocol/release";

/** The same image in two releases, or an image that one of them does not have. */
export interface ImagePair {
  readonly from: ReleaseImage | undefined;
  readonly to: ReleaseImage | undefined;
}

/**
 * Which image became which: the one of the same reference, else the one of the same repository (`web:1` became `web:2`), in the order of
 * their references.
 */
export function pairImages(from: ReleaseDocument, to: ReleaseDocument): readonly ImagePair[] {
  const left = new Map(Object.entries(from.images));
  const pairs: ImagePair[] = [];
  const unpaired: ReleaseImage[] = [];
  for (const [reference, image] of Object.entries(to.images).toSorted(byKey)) {
    const same = left.get(reference);
    if (same === undefined) unpaired.push(image);
    else pairs.push({ from: same, to: image });
    left.delete(reference);
  }
  for (const image of unpaired) {
    const [key, other] = [...left].toSorted(byKey).find(([, { repository }]) => repository === image.repository) ?? [];
    if (key !== undefined) left.delete(key);
    pairs.push({ from: other, to: image });
  }
  for (const [, image] of [...left].toSorted(byKey)) pairs.push({ from: image, to: undefined });
  return pairs;
}

/** The pairs that are not the same bytes under the same reference. */
export function imageChanges(pairs: readonly ImagePair[]): readonly ImageChange[] {
  return pairs.flatMap(({ from, to }): ImageChange[] => {
    const repository = (to ?? from)?.repository ?? "";
    if (from === undefined) return to === undefined ? [] : [{ repository, change: "added", to: side(to) }];
    if (to === undefined) return [{ repository, change: "removed", from: side(from) }];
    if (from.digest === to.digest && from.reference === to.reference) return [];
    return [{ repository, change: "changed", from: side(from), to: side(to) }];
  });
}

function side({ reference, digest }: ReleaseImage) {
  return { reference, digest };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
