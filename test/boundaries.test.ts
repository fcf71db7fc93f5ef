// Holds the import table of the design. A package that reaches across is a package that can no longer be understood, shipped or run alone.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** What each package may import, besides itself, libraries and `node:`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  oci: ["base"],
  protocol: ["base"],
  compose: ["base"],
  guard: ["base", "oci"],
  agent: ["base", "oci", "protocol", "compose"],
  server: ["base", "oci", "protocol", "compose", "guard"],
  cli: ["base", "oci", "protocol", "compose", "guard"],
  sim: ["base", "oci", "protocol", "compose", "agent"],
};

/** Packages that also run in a browser or are pure by promise: nothing from `node:`. Their tests may. */
const WITHOUT_NODE = ["base", "protocol", "compose"];

const ROOT = new URL("..", import.meta.url).pathname;
const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^;"']*?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

interface Import {
  readonly file: string;
  readonly name: string;
  readonly dynamic: boolean;
}

function importsOf(name: string): Import[] {
  return globSync(`packages/${name}/{src,build}/**/*.ts`, { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(`${ROOT}/${file}`, "utf8").matchAll(IMPORT)].map((match) => ({
      file,
      name: match[1] ?? match[2] ?? "",
      dynamic: match[2] !== undefined,
    })),
  );
}

for (const [name, allowed] of Object.entries(MAY_IMPORT)) {
  test(`${name} imports only ${allowed.join(", ") || "itself"}`, () => {
    for (const found of importsOf(name)) {
      const other = /^@flotilla\/([^/]+)/.exec(found.name)?.[1];
      if (other === undefined || other === name || allowed.includes(other)) continue;
      const isServe = name === "cli" && other === "server" && found.dynamic && found.file.endsWith("/serve.ts");
      const isAudit = name === "cli" && other === "server" && found.dynamic && found.file.endsWith("/audit.ts");
      // `backup` and `restore` work on a data folder, whether or not a server runs: the server's package knows what is in it.
      const isBackup =
        name === "cli" && other === "server" && found.dynamic && /\/(?:backup|restore)\.ts$/.test(found.file);
      assert.ok(
        isServe || isAudit || isBackup,
        `${found.file} imports ${found.name}: ${name} may import ${allowed.join(", ") || "nothing of ours"}, so that it can be understood and shipped alone. ` +
          "Move the shared part down to a package both may import, or pass it in as a parameter.",
      );
    }
  });
}

for (const name of WITHOUT_NODE) {
  test(`${name} imports nothing from node:`, () => {
    for (const found of importsOf(name)) {
      if (/\.test\.ts$/.test(found.file)) continue;
      assert.ok(
        !found.name.startsWith("node:"),
        `${found.file} imports ${found.name}: ${name} must also run in a browser. Take what it needs as a parameter.`,
      );
    }
  });
}

test("relative imports stay inside their package", () => {
  for (const name of Object.keys(MAY_IMPORT)) {
    for (const found of importsOf(name)) {
      if (!found.name.startsWith(".")) continue;
      const target = new URL(found.name, `file:///${found.file}`).pathname;
      const own = target.startsWith(`/packages/${name}/`);
      assert.ok(
        own,
        `${found.file} reaches into ${found.name}: import another package by its name, so that the table above sees it.`,
      );
    }
  }
});
