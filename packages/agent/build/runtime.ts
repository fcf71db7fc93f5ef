import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BUN_VERSION, type Target } from "./targets.ts";

const run = promisify(execFile);

/** Path of the target's Bun, brought with `npm pack` from whatever registry npm is set to, and believed by its integrity alone. */
export async function ensureRuntime(target: Target, cacheDir: string): Promise<string> {
  const folder = join(cacheDir, `${target.name}-${BUN_VERSION}`);
  const binary = join(folder, "package", "bin", "bun");
  if (await exists(binary)) return binary;
  const unpacked = `${folder}.tmp`;
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(unpacked, { recursive: true });
  const spec = `${target.package}@${BUN_VERSION}`;
  const { stdout } = await run("npm", ["pack", spec, "--pack-destination", unpacked, "--silent", "--ignore-scripts"]);
  const archive = join(unpacked, stdout.trim().split("\n").at(-1) ?? "");
  await checkIntegrity(archive, target.integrity, spec);
  await run("tar", ["-xzf", archive, "-C", unpacked, "package/bin/bun"]);
  await rm(archive);
  await chmod(join(unpacked, "package", "bin", "bun"), 0o755);
  await rm(folder, { recursive: true, force: true });
  await rename(unpacked, folder);
  return binary;
}

async function checkIntegrity(path: string, integrity: string, spec: string): Promise<void> {
  const found = `sha512-${createHash("sha512")
    .update(await readFile(path))
    .digest("base64")}`;
  if (found !== integrity) throw new Error(`${spec} has the integrity ${found}; ${integrity} is pinned in targets.ts`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
