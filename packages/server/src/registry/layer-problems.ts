import type { Problem } from "@flotilla/guard/model";

/** Problems of a layer as a whole after which its files are not known. */
const UNREADABLE = /^(?:tar-|decompress-|archive-bomb|zstd-)/;

/** Whether this problem says that the layer was not read to its end. */
export function isWholeLayer({ path, reason }: Problem): boolean {
  return path === "" && UNREADABLE.test(reason);
}
