// House rules as tests. Each message gives the reason, so that whoever breaks a rule learns why it stands, and can argue with it in CONTRIBUTING.md.
import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";

const ROOT = new URL("..", import.meta.url).pathname;
const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

/** Files and functions that may be longer, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {};

interface Source {
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
}

const sources: readonly Source[] = globSync(["packages/*/{src,build}/**/*.ts", "test/**/*.ts", "bench/**/*.ts"], {
  cwd: ROOT,
})
  .sort()
  .map((path) => ({
    path,
    text: readFileSync(`${ROOT}/${path}`, "utf8"),
    isTest: !path.startsWith("packages/") || /\.(test|cases|fake|fixture)\.ts$|\/testing\.ts$/.test(path),
  }));
const product = sources.filter((source) => !source.isTest);

/** Fails for every line of `files` that matches, naming place and reason. */
function forbid(files: readonly Source[], pattern: RegExp, reason: string): void {
  const found = files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) => (pattern.test(withoutComment(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(found, [], `${reason}\n${found.join("\n")}`);
}

function withoutComment(line: string): string {
  return /^\s*(?:\/\/|\*|\/\*)/.test(line) ? "" : line.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""');
}

test("files stay short", () => {
  const long = sources.flatMap(({ path, text }) =>
    text.split("\n").length - 1 > MAX_FILE_LINES && LONG_FILES[path] === undefined ? [path] : [],
  );
  assert.deepEqual(
    long,
    [],
    `A file over ${MAX_FILE_LINES} lines holds more than one thing: split it by noun, or give the reason in LONG_FILES.`,
  );
});

test("functions stay short", () => {
  const long = product
    .flatMap(({ path, text }) => longFunctions(text).map((name) => `${path} ${name}`))
    .filter((name) => LONG_FUNCTIONS[name] === undefined);
  assert.deepEqual(
    long,
    [],
    `A function over ${MAX_FUNCTION_LINES} lines does more than one thing: name its parts, or give the reason in LONG_FUNCTIONS.`,
  );
});

/** Names of functions that are too long. The formatter puts a closing brace at the indentation of its opening line. */
function longFunctions(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, start) => {
    const match = /^(\s*)(?:export )?(?:async )?(?:static )?(?:function\*? (\w+)|(?:async )?(#?\w+)\(.*\).*\{$)/.exec(
      line,
    );
    if (match === null || /^\s*(?:if|for|while|switch|catch|return)\b/.test(line)) return [];
    const end = lines.findIndex((other, index) => index > start && other.startsWith(`${match[1]}}`));
    return end - start > MAX_FUNCTION_LINES ? [match[2] ?? match[3] ?? "?"] : [];
  });
}

test("time comes from the clock", () => {
  const files = product.filter(({ path }) => !path.startsWith("packages/base/src/clock"));
  const reason = "Time is a parameter (base/clock.ts), so that tests and the simulator decide it.";
  forbid(
    files,
    /\bDate\.now\b|\bnew Date\(\)|\bset(?:Timeout|Interval)\(|\bperformance\.now\b|timers\/promises/,
    reason,
  );
});

test("the process is touched at its edge", () => {
  const files = product.filter(({ path }) => !/\/(?:main|config)\.ts$/.test(path));
  forbid(
    files,
    /\bprocess\.(?:env|argv|exit|exitCode)\b/,
    "Environment, arguments and exit belong to main.ts and config.ts: everything else takes parameters, so that it can be tested and embedded.",
  );
});

test("console is the command line's", () => {
  forbid(
    product.filter(({ path }) => !path.startsWith("packages/cli/")),
    /\bconsole\./,
    "Libraries log through their Log parameter; only the command line prints.",
  );
});

test("no escape from the types", () => {
  forbid(
    sources.filter(({ path }) => path !== "test/tidy.test.ts"),
    /\bas any\b|: any\b|<any>|@ts-ignore|@ts-nocheck|\bas never as\b/,
    "`any` and silenced checks hide bugs from everybody after you: use unknown and a parser.",
  );
});

test("no default exports, enums, namespaces or parameter properties", () => {
  const shapes =
    /^\s*export default\b|^\s*(?:export )?(?:const )?enum \w|^\s*(?:export )?namespace \w|constructor\([^)]*\b(?:private|public|protected|readonly) \w+\??:/;
  forbid(sources, shapes, "They do not erase, or they let one thing have many names.");
});

test("errors are not swallowed", () => {
  forbid(
    product,
    /catch(?: \(\w+\))? \{\s*\}/,
    "An empty catch turns a bug into silence: handle it, narrow it, or say in a comment inside why nothing is to be done.",
  );
});

test("the guard reads disks only in its sources and its store", () => {
  const files = product.filter(
    ({ path }) => /^packages\/guard\/src\//.test(path) && !/^packages\/guard\/src\/(?:sources|advisories)\//.test(path),
  );
  const found = files.filter(({ text }) => /from "node:fs(?:\/promises)?"/.test(text)).map(({ path }) => path);
  assert.deepEqual(
    found,
    [],
    "Extractors take bytes and give data, so that they run the same in the editor, the registry and a worker.",
  );
});

test("every extension folder says how to add one", () => {
  const folders = [
    "packages/guard/src/ecosystems",
    "packages/guard/src/secrets/rules",
    "packages/cli/src/verbs",
    "packages/server/src/store/migrations",
  ];
  const without = folders.filter((folder) => !existsSync(`${ROOT}/${folder}/README.md`));
  assert.deepEqual(
    without,
    [],
    "A folder of like things has a README 'how to add one': the next person should not have to read all of them.",
  );
});

test("each ecosystem is a folder of its own name in the list", () => {
  const folder = `${ROOT}/packages/guard/src/ecosystems`;
  const list = readFileSync(`${folder}/index.ts`, "utf8");
  const names = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== "fixtures",
  );
  for (const { name } of names)
    assert.ok(
      list.includes(`"./${name}/`),
      `ecosystems/${name} is not in ecosystems/index.ts: what is not in the list does not run.`,
    );
});

test("dependencies are approved with a reason and pinned", () => {
  const architecture = readFileSync(`${ROOT}/ARCHITECTURE.md`, "utf8");
  for (const file of globSync("packages/*/package.json", { cwd: ROOT })) {
    const manifest = JSON.parse(readFileSync(`${ROOT}/${file}`, "utf8")) as {
      name: string;
      dependencies?: Record<string, string>;
    };
    for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
      assert.match(
        version,
        /^\d+\.\d+\.\d+(?:-[\w.]+)?$/,
        `${file}: ${name} must be pinned to one version, so that every install is the one we tested.`,
      );
      if (!name.startsWith("@flotilla/"))
        assert.ok(
          architecture.includes(`\`${name}\``),
          `${file}: ${name} has no reason in ARCHITECTURE.md's table of dependencies.`,
        );
    }
  }
});

test("no package registry's host is written down", () => {
  const hosts = [
    "registry.npmjs" + ".org",
    "pypi" + ".org",
    "proxy.golang" + ".org",
    "crates" + ".io/api",
    "repo.maven" + ".apache.org",
    "deb.debian" + ".org",
  ];
  const files = globSync(["*.{json,md,mjs}", "{bin,packages,test,bench,docs}/**/*.{ts,mjs,json,md,sh,yml,yaml}"], {
    cwd: ROOT,
  }).filter((file) => !file.includes("node_modules"));
  for (const file of files) {
    const text = readFileSync(`${ROOT}/${file}`, "utf8");
    for (const host of hosts)
      assert.ok(
        !text.includes(host),
        `${file} names ${host}: upstreams come from configuration or from what the user's client is set to.`,
      );
  }
});

test("no install script runs", () => {
  const lock = readFileSync(`${ROOT}/package-lock.json`, "utf8");
  assert.ok(
    !lock.includes('"hasInstallScript": true'),
    "A dependency with an install script runs code on every developer's machine at install; allow it by name only.",
  );
  assert.ok(
    existsSync(`${ROOT}/.npmrc`) && dirname(ROOT) !== "/",
    "the checkout has an .npmrc that switches install scripts off",
  );
});
