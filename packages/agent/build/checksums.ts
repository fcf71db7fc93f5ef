import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

/** Writes SHA256SUMS over those of `names` that are there, in the form that `sha256sum -c` reads. */
export async function writeChecksums(folder: string, names: readonly string[]): Promise<void> {
  const lines: string[] = [];
  for (const name of names) {
    const content = await readFile(join(folder, name)).catch(() => undefined);
    if (content !== undefined) lines.push(`${createHash("sha256").update(content).digest("hex")}  ${name}\n`);
  }
  await writeFile(join(folder, "SHA256SUMS"), lines.join(""));
}

/** Writes `<path>.gz`, which is what devices download, and returns its size. */
export async function compress(path: string): Promise<number> {
  const output = `${path}.gz`;
  await rm(output, { force: true });
  await pipeline(createReadStream(path), createGzip({ level: 6 }), createWriteStream(output));
  return (await stat(output)).size;
}
