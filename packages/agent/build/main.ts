import { mkdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { formatBytes } from "@flotilla/base/units";
import { compress, writeChecksums } from "./checksums.ts";
import { compile } from "./compile.ts";
import { buildAgentImage } from "./image.ts";
import { ensureRuntime } from "./runtime.ts";
import { TARGETS, type Target } from "./targets.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const HELP = `npm run agent:build [-- [--target NAME …] [--libs DIR]]

  Makes the agent's single-file executables in dist/agent, with SHA256SUMS. Targets: ${TARGETS.map(({ name }) => name).join(", ")};
  without --target all of them. Each runtime is fetched once with npm and checked against its pinned integrity.

  Where the C library of a target is at hand, also its container image for docker load, flotilla-agent-TARGET.image.tar.gz: for this machine's
  own target, for the other architecture where Debian's package libc6-arm64-cross or libc6-amd64-cross is installed, and for the first
  target named when --libs names a folder with its C library.
`;

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string", multiple: true },
      libs: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const targets = chosen(values.target);
  const output = join(ROOT, "dist", "agent");
  const cache = join(ROOT, "dist", ".runtimes");
  await mkdir(output, { recursive: true });
  const compiler = await ensureRuntime(ownTarget(), cache);
  for (const target of targets) {
    const runtime = await ensureRuntime(target, cache);
    const path = join(output, fileName(target));
    await rm(path, { force: true });
    await compile({ target, compiler, runtime, entry: join(ROOT, "packages/agent/src/main.ts"), output: path });
    const gzippedBytes = await compress(path);
    const size = `${formatBytes((await stat(path)).size)}, ${formatBytes(gzippedBytes)} to download`;
    process.stdout.write(`${fileName(target)}  ${size}\n`);
  }
  await writeChecksums(output, TARGETS.map(fileName));
  for (const target of targets) {
    const libs = target === targets[0] && values.libs !== undefined ? values.libs : await librariesOf(target);
    if (libs === undefined) continue;
    const executable = fileName(target);
    const image = await buildAgentImage({
      target,
      folder: output,
      executable,
      libs: libs === "own" ? undefined : libs,
    });
    process.stdout.write(`${basename(image)}  ${formatBytes((await stat(image)).size)}\n`);
  }
}

/** Where Debian's cross packages keep the C library of another architecture. */
const CROSS_LIBRARIES: Readonly<Record<string, string>> = {
  "linux-arm64": "/usr/aarch64-linux-gnu/lib",
  "linux-x64": "/usr/x86_64-linux-gnu/lib",
};

/** Folder with the target's C library, `own` for this machine's, or undefined. */
async function librariesOf(target: Target): Promise<string | undefined> {
  if (target.name === ownTarget().name) return "own";
  const folder = CROSS_LIBRARIES[target.name];
  if (folder === undefined) return undefined;
  const found = await stat(join(folder, "libc.so.6")).catch(() => undefined);
  return found === undefined ? undefined : folder;
}

function chosen(names: readonly string[] | undefined): readonly Target[] {
  if (names === undefined) return TARGETS;
  return names.map((name) => {
    const target = TARGETS.find((known) => known.name === name);
    if (target === undefined)
      throw new Error(`there is no target "${name}"; there are ${TARGETS.map((t) => t.name).join(", ")}`);
    return target;
  });
}

/** The target that runs on this machine. */
function ownTarget(): Target {
  const isMusl = process.platform === "linux" && !("glibcVersionRuntime" in reportHeader());
  const name = `${process.platform}-${process.arch}${isMusl ? "-musl" : ""}`;
  const own = TARGETS.find((target) => target.name === name);
  if (own === undefined) throw new Error(`the agent is built on Linux, x64 or arm64, not on ${name}`);
  return own;
}

function reportHeader(): object {
  const report = process.report?.getReport() as { header?: object } | undefined;
  return report?.header ?? {};
}

function fileName(target: Target): string {
  return `flotilla-agent-${target.name}`;
}

await main(process.argv.slice(2));
