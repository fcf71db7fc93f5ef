import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, parseDigest } from "@flotilla/base/digest";

/** Name of a blob that is set aside while its links are looked at again. */
const ASIDE = "aside-";

/**
 * Removes the files under `blobs/<algorithm>/` that nothing links. A file is set aside, its links are looked at again, and only then it goes; who links it in
 * between finds it missing and says so. A crash in between is mended by the next call.
 */
export async function collectBlobs(
  folder: string,
  isLinked: (digest: Digest) => Promise<boolean>,
  before: number,
): Promise<number> {
  let freed = 0;
  for (const algorithm of ["sha256", "sha512"]) {
    const parent = join(folder, algorithm);
    for (const file of await readdir(parent)) {
      const isAside = file.startsWith(ASIDE);
      const name = isAside ? file.slice(ASIDE.length) : file;
      const digest = parseDigest(`${algorithm}:${name}`);
      if (digest === undefined) continue;
      const paths = { blob: join(parent, name), aside: join(parent, `${ASIDE}${name}`) };
      freed += await collect(paths, isAside, () => isLinked(digest), before);
    }
  }
  return freed;
}

async function collect(
  { blob, aside }: { readonly blob: string; readonly aside: string },
  isAside: boolean,
  isLinked: () => Promise<boolean>,
  before: number,
): Promise<number> {
  if (!isAside) {
    if ((await stat(blob)).mtimeMs >= before || (await isLinked())) return 0;
    await rename(blob, aside);
  }
  if (await isLinked()) {
    await rename(aside, blob);
    return 0;
  }
  const { size } = await stat(aside);
  await rm(aside);
  return size;
}
