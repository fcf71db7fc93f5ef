// Scanning one large image, as a `docker save` archive with plain and with gzipped layers: our command beside Trivy and Syft where they are
// on the PATH. The image is made of this machine's own packages and this checkout's dependencies, up to 500 MB. Each command is run twice and
// the better run counts; wall and CPU seconds and peak memory are those of GNU time(1).
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  globSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256 } from "../packages/oci/src/hash.ts";
import { padding, tarEnd, tarHeader } from "../packages/oci/src/tar/write.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const LAYER_BYTES = 250_000_000;
const RUNS = 2;
const CLI = [process.execPath, join(ROOT, "packages/cli/src/main.ts"), "scan", "--offline"];

interface Run {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/** Commands by figure and tool; `FILE` is the archive, `OUT` a file for the result. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  sbom: {
    flotilla: [...CLI, "docker-archive:FILE", "--scanners", "inventory", "--format", "cyclonedx", "-o", "OUT"],
    trivy: [
      "trivy",
      "image",
      "--quiet",
      "--input",
      "FILE",
      "--format",
      "cyclonedx",
      "--output",
      "OUT",
      "--offline-scan",
    ],
    syft: ["syft", "scan", "--quiet", "docker-archive:FILE", "-o", "cyclonedx-json=OUT"],
  },
  secrets: {
    flotilla: [...CLI, "docker-archive:FILE", "--scanners", "secret", "--format", "json", "-o", "OUT"],
    trivy: [
      "trivy",
      "image",
      "--quiet",
      "--input",
      "FILE",
      "--scanners",
      "secret",
      "--format",
      "json",
      "--output",
      "OUT",
    ],
  },
  everything: {
    flotilla: [...CLI, "docker-archive:FILE", "--format", "json", "-o", "OUT"],
  },
};

export async function measure(say: (line: string) => void): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-bench-scan-"));
  try {
    const layers = [
      makeLayer(join(folder, "system"), [
        "/var/lib/dpkg",
        "/etc/os-release",
        "/usr/lib/os-release",
        "/usr/lib/python3",
        "/usr/bin",
      ]),
      makeLayer(join(folder, "app"), [join(ROOT, "node_modules")]),
    ];
    const archives = { plain: makeArchive(folder, layers, false), gzip: makeArchive(folder, layers, true) };
    const figures: Record<string, unknown> = {};
    for (const [form, file] of Object.entries(archives)) {
      say(`${form} layers, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
      for (const [figure, tools] of Object.entries(COMMANDS))
        figures[`${figure}-${form}`] = compare(tools, file, folder, say);
    }
    return { layers: layers.map((layer) => statSync(layer).size), ...figures };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compare(
  tools: Readonly<Record<string, readonly string[]>>,
  file: string,
  folder: string,
  say: (line: string) => void,
) {
  const runs: Record<string, Run> = {};
  for (const [tool, command] of Object.entries(tools)) {
    if (!isInstalled(command[0] ?? "")) continue;
    const words = command.map((word) => word.replace("FILE", file).replace("OUT", join(folder, "out")));
    runs[tool] = best(Array.from({ length: RUNS }, () => runTimed(words, folder)));
    const { wallSeconds, cpuSeconds, peakMb } = runs[tool];
    say(`  ${tool.padEnd(9)} ${wallSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} CPU s, ${peakMb.toFixed(0)} MB`);
  }
  const ours = runs["flotilla"];
  const ratios = Object.fromEntries(
    Object.entries(runs).flatMap(([tool, run]) =>
      ours === undefined || run === ours ? [] : [[tool, ratioOf(ours, run)]],
    ),
  );
  return { runs, ratios };
}

/** Ours to theirs: below 1, we are better. */
function ratioOf(ours: Run, theirs: Run): Run {
  return {
    wallSeconds: ours.wallSeconds / theirs.wallSeconds,
    cpuSeconds: ours.cpuSeconds / theirs.cpuSeconds,
    peakMb: ours.peakMb / theirs.peakMb,
  };
}

function best(runs: readonly Run[]): Run {
  return runs.reduce((one, other) => (other.wallSeconds < one.wallSeconds ? other : one));
}

function runTimed(command: readonly string[], folder: string): Run {
  const report = join(folder, "time");
  const result = spawnSync("/usr/bin/time", ["-f", "%e %U %S %M", "-o", report, ...command], { encoding: "utf8" });
  // Exit code 1 of ours is a blocked image: a result.
  if (result.status !== 0 && result.status !== 1) throw new Error(`${command.join(" ")}: ${result.stderr.slice(-500)}`);
  const [wall, user, system, kilobytes] = (readFileSync(report, "utf8").trim().split("\n").at(-1) ?? "")
    .split(" ")
    .map(Number);
  return { wallSeconds: wall ?? 0, cpuSeconds: (user ?? 0) + (system ?? 0), peakMb: (kilobytes ?? 0) / 1024 };
}

function isInstalled(program: string): boolean {
  if (program.includes("/")) return existsSync(program);
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** A tar of regular files below `roots`, up to {@link LAYER_BYTES}. */
function makeLayer(file: string, roots: readonly string[]): string {
  const descriptor = openSync(file, "w");
  let size = 0;
  for (const root of roots) {
    for (const path of filesBelow(root)) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isFile() !== true || size + stat.size > LAYER_BYTES) continue;
      const body = readFileSync(path);
      const name = path.startsWith(ROOT) ? `app/${path.slice(ROOT.length)}` : path.slice(1);
      writeSync(
        descriptor,
        Buffer.concat([tarHeader({ kind: "file", path: name, sizeBytes: body.length }), body, padding(body.length)]),
      );
      size += body.length;
    }
  }
  writeSync(descriptor, tarEnd());
  closeSync(descriptor);
  return file;
}

function filesBelow(root: string): readonly string[] {
  const stat = statSync(root, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  return stat.isFile()
    ? [root]
    : globSync("**", { cwd: root })
        .sort()
        .map((path) => join(root, path));
}

function makeArchive(folder: string, layers: readonly string[], compress: boolean): string {
  const bodies = layers.map((layer) => readFileSync(layer));
  const blobs = bodies.map((body) => (compress ? gzipSync(body) : body));
  const names = blobs.map((blob) => `blobs/sha256/${sha256(blob).slice("sha256:".length)}`);
  const config = Buffer.from(
    JSON.stringify({
      os: "linux",
      architecture: "amd64",
      config: {},
      rootfs: { type: "layers", diff_ids: bodies.map(sha256) },
    }),
  );
  const configName = `blobs/sha256/${sha256(config).slice("sha256:".length)}`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: ["bench:1"], Layers: names }]));
  const file = join(folder, compress ? "gzip.tar" : "plain.tar");
  writeFileSync(file, "");
  const descriptor = openSync(file, "w");
  const entries: readonly (readonly [string, Buffer])[] = [
    ...blobs.map((blob, index) => [names[index] ?? "", blob] as const),
    [configName, config],
    ["manifest.json", manifest],
  ];
  for (const [path, body] of entries)
    for (const part of [tarHeader({ kind: "file", path, sizeBytes: body.length }), body, padding(body.length)])
      writeSync(descriptor, part);
  writeSync(descriptor, tarEnd());
  closeSync(descriptor);
  return file;
}
