import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip } from "node:zlib";
import type { Digest } from "@flotilla/base/digest";
import { type BuildLayer, buildImage } from "@flotilla/oci/build";
import { hybridArchive } from "../src/docker/archive.ts";
import { AGENT_VERSION } from "../src/version.ts";
import type { Target } from "./targets.ts";

const run = promisify(execFile);

/** Libraries that glibc opens by itself when a name is looked up; since glibc 2.34 they are empty shells, or not there. */
const C_LIBRARY = /^(?:ld-linux-[\w-]+|lib(?:c|m|dl|pthread|rt|resolv|nss_dns|nss_files))\.so\.\d+$/;
const NAME_SERVICE = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

export interface ImageOptions {
  readonly target: Target;
  readonly folder: string;
  /** File name of the executable in `folder`. */
  readonly executable: string;
  /** Folder with the C library of the target; absent: this machine's. */
  readonly libs: string | undefined;
}

/** Writes an archive for `docker load`: nothing but the executable and the C library it needs. Returns its path. */
export async function buildAgentImage({ target, folder, executable, libs }: ImageOptions): Promise<string> {
  const path = join(folder, executable);
  const libraries = libs === undefined ? await ownLibraries(path) : await librariesIn(libs);
  const image = buildImage({
    platform: { os: "linux", architecture: target.architecture },
    files: [
      {
        ...libraries,
        "etc/passwd": "root:x:0:0::/:/flotilla-agent\n",
        "etc/nsswitch.conf": "hosts: files dns\n",
        "tmp/": { mode: 0o1777 },
      },
      { "flotilla-agent": { content: await readFile(path), mode: 0o755 } },
    ],
    config: {
      Entrypoint: ["/flotilla-agent"],
      Cmd: ["run"],
      Env: ["PATH=/", "BUN_JSC_useJIT=0", "FLOTILLA_AGENT_CONFIG=/var/lib/flotilla/agent.json"],
    },
    compress: false,
  });
  const blobs = new Map(image.blobs.map(({ digest, bytes }) => [digest, bytes]));
  const reader = {
    async *read(digest: Digest) {
      yield blobs.get(digest) ?? new Uint8Array();
    },
  };
  const handOver = {
    manifest: image.manifest,
    config: image.config,
    layers: image.layers.map(({ diffId, descriptor, bytes }) => ({
      diffId,
      blob: descriptor.digest,
      sizeBytes: bytes.length,
    })),
  };
  const output = `${path}.image.tar.gz`;
  const archive = hybridArchive(handOver, `flotilla-agent:${AGENT_VERSION}`, reader, new Set());
  await pipeline(Readable.from(archive, { objectMode: false }), createGzip({ level: 6 }), createWriteStream(output));
  return output;
}

/** What the dynamic loader of this machine would load for the executable. */
async function ownLibraries(executable: string): Promise<BuildLayer> {
  const { stdout } = await run("ldd", [executable]);
  const paths = [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map((match) => match[1] ?? "");
  if (paths.length === 0)
    throw new Error(`ldd does not understand ${executable}; name a folder with its C library by --libs`);
  const layer: Record<string, { content: Uint8Array; mode: number }> = {};
  const folder = paths.find((path) => path.endsWith("/libc.so.6"))?.replace(/\/libc\.so\.6$/, "");
  for (const name of folder === undefined ? [] : NAME_SERVICE) {
    const content = await readFile(join(folder ?? "", name)).catch(() => undefined);
    if (content !== undefined) layer[`${folder}/${name}`] = { content, mode: 0o755 };
  }
  for (const path of paths) layer[path] = { content: await readFile(path), mode: 0o755 };
  return layer;
}

/** The C library in a folder as `/lib` and, where its loader is looked for there, `/lib64`. */
async function librariesIn(folder: string): Promise<BuildLayer> {
  const layer: Record<string, { content: Uint8Array; mode: number }> = {};
  for (const name of (await readdir(folder)).filter((file) => C_LIBRARY.test(file))) {
    const file = { content: await readFile(join(folder, name)), mode: 0o755 };
    layer[`lib/${name}`] = file;
    if (name.startsWith("ld-linux-x86-64")) layer[`lib64/${name}`] = file;
  }
  if (!Object.keys(layer).some((path) => path.startsWith("lib/libc.so")))
    throw new Error(`${folder} holds no libc.so.6: name the folder with the C library of the target by --libs`);
  return layer;
}
