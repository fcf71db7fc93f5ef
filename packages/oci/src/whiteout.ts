/** What a layer's entry says about the layers below (image-spec, layer.md, "Whiteouts"). */
export type Whiteout =
  /** `path` (and all below it) of lower layers is gone. */
  | { readonly kind: "removed"; readonly path: string }
  /** The folder `path` hides everything that lower layers have in it. */
  | { readonly kind: "opaque"; readonly path: string };

const PREFIX = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** The whiteout that the entry `path` (relative, `/`) stands for, or undefined for an ordinary entry. */
export function parseWhiteout(path: string): Whiteout | undefined {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  if (!name.startsWith(PREFIX)) return undefined;
  const folder = slash < 0 ? "" : path.slice(0, slash);
  if (name === OPAQUE) return { kind: "opaque", path: folder };
  const target = name.slice(PREFIX.length);
  return { kind: "removed", path: folder === "" ? target : `${folder}/${target}` };
}
