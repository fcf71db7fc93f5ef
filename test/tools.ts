// Tools that tests compare with and that Debian does not carry in the version needed: built once from the Go module proxy and kept outside the
// checkout. Versions are pinned here; Go's own checksum database holds them to their content.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const GO_VERSION = "go1.27.3";
const BUILD_MS = 30 * 60_000;

interface GoTool {
  /** Environment variable that tells tests where it is. */
  readonly env: string;
  readonly package: string;
  readonly version: string;
}

const GO_TOOLS: Readonly<Record<string, GoTool>> = {
  "docker-compose": { env: "FLOTILLA_TEST_COMPOSE", package: "github.com/docker/compose/v2/cmd", version: "v2.40.3" },
  crane: {
    env: "FLOTILLA_TEST_CRANE",
    package: "github.com/google/go-containerregistry/cmd/crane",
    version: "v0.22.1",
  },
  regctl: { env: "FLOTILLA_TEST_REGCTL", package: "github.com/regclient/regclient/cmd/regctl", version: "v0.11.7" },
  "oci-conformance": {
    env: "FLOTILLA_TEST_CONFORMANCE",
    package: "github.com/opencontainers/distribution-spec/conformance",
    version: "v0.0.0-20260831232431-97274622c111",
  },
};

/** Builds what is missing and gives the environment that tests need to find the tools. */
export function buildTools(say: (line: string) => void): Record<string, string> {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "flotilla-test-tools");
  mkdirSync(folder, { recursive: true });
  const env: Record<string, string> = {};
  for (const [name, tool] of Object.entries(GO_TOOLS)) {
    const path = join(folder, `${name}-${tool.version}`);
    if (!existsSync(path)) {
      say(`building ${name} ${tool.version} (once; kept in ${folder})`);
      build(tool, path, goProgram(folder));
    }
    env[tool.env] = path;
  }
  return env;
}

function build(tool: GoTool, path: string, go: string): void {
  const scratch = mkdtempSync(join(tmpdir(), "flotilla-go-"));
  try {
    writeFileSync(join(scratch, "go.mod"), "module scratch\n\ngo 1.26\n");
    runGo(go, ["get", `${tool.package}@${tool.version}`], scratch);
    runGo(go, ["build", "-o", `${path}.tmp`, tool.package], scratch);
    renameSync(`${path}.tmp`, path);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function runGo(go: string, args: readonly string[], cwd: string): string {
  const env = { ...process.env, GOTOOLCHAIN: GO_VERSION, GOFLAGS: "-mod=mod", CGO_ENABLED: "0" };
  const result = spawnSync(go, [...args], {
    cwd,
    env,
    encoding: "utf8",
    timeout: BUILD_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status !== 0) throw new Error(`${go} ${args.join(" ")} failed:\n${(result.stderr ?? "").slice(-4000)}`);
  return result.stdout;
}

/**
 * A Go that can switch to the version we need (1.21 and newer can). Debian's own may be older: it still downloads modules, and the newer
 * Go is one.
 */
function goProgram(folder: string): string {
  const found = spawnSync("go", ["version"], { encoding: "utf8" });
  const minor = Number(/go1\.(\d+)/.exec(found.stdout ?? "")?.[1] ?? 0);
  if (minor >= 21) return "go";
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const spec = `golang.org/toolchain@v0.0.1-${GO_VERSION}.linux-${arch}`;
  const result = spawnSync("go", ["mod", "download", "-json", spec], {
    cwd: folder,
    encoding: "utf8",
    timeout: BUILD_MS,
  });
  const { Dir } = JSON.parse(result.stdout || "{}") as { Dir?: string };
  if (Dir === undefined) throw new Error(`cannot get ${spec}: ${result.stderr}${result.stdout}`);
  for (const file of [join(Dir, "bin/go"), ...toolFiles(join(Dir, `pkg/tool/linux_${arch}`))]) chmodSync(file, 0o755);
  return join(Dir, "bin/go");
}

function toolFiles(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
