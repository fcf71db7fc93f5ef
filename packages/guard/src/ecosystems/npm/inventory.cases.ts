import type { InventoryCase } from "../contract.cases.ts";
import { lockCases } from "./locks.cases.ts";

const lockV3 = {
  name: "app",
  lockfileVersion: 3,
  packages: {
    "": {
      name: "app",
      dependencies: { express: "^4", "alias-of-lodash": "npm:lodash@4.17.20", "@scope/a": "1" },
      devDependencies: { mocha: "*" },
    },
    "node_modules/express": { version: "4.18.2", license: "MIT" },
    "node_modules/express/node_modules/debug": { version: "2.6.9" },
    "node_modules/debug": { version: "4.3.4", dev: true },
    "node_modules/alias-of-lodash": { name: "lodash", version: "4.17.20" },
    "node_modules/@scope/a": { version: "1.0.0-rc.1+build" },
    "node_modules/mocha": { version: "10.0.0", dev: true },
    "node_modules/mocha/node_modules/inner": { version: "1.0.0", inBundle: true, dev: true },
    "node_modules/fsevents": { version: "2.3.3", optional: true },
    "node_modules/local": { resolved: "packages/local", link: true },
    "packages/local": { name: "local", version: "0.0.1" },
    "packages/local/node_modules/debug": { version: "4.3.4" },
    "node_modules/from-git": { resolved: "git+ssh://git@example.com/x.git#abc" },
  },
};

const lockV1 = {
  name: "app",
  lockfileVersion: 1,
  dependencies: {
    express: {
      version: "4.18.2",
      requires: { debug: "2.6.9" },
      dependencies: { debug: { version: "2.6.9", bundled: true } },
    },
    mocha: { version: "10.0.0", dev: true },
    aliased: { version: "npm:@real/name@2.0.0" },
    fromgit: { version: "git+https://example.com/x.git#abc" },
  },
};

export const cases: readonly InventoryCase[] = [
  ...lockCases,
  {
    name: "lock version 3: nested, scoped, aliased, bundled, optional, linked",
    path: "app/package-lock.json",
    content: JSON.stringify(lockV3),
    packages: [
      "pkg:npm/%40scope/a@1.0.0-rc.1%2Bbuild direct",
      "pkg:npm/debug@2.6.9 indirect",
      "pkg:npm/debug@4.3.4 indirect",
      "pkg:npm/express@4.18.2 direct licence:MIT",
      "pkg:npm/fsevents@2.3.3 indirect",
      "pkg:npm/inner@1.0.0 dev indirect",
      "pkg:npm/lodash@4.17.20 direct",
      "pkg:npm/mocha@10.0.0 dev direct",
    ],
    problems: ["no-version: 1 from a URL or a folder, not in a registry: from-git"],
  },
  {
    name: "lock version 2: the newer form is read",
    path: "npm-shrinkwrap.json",
    content: JSON.stringify({
      lockfileVersion: 2,
      packages: { "": {}, "node_modules/a": { version: "1.0.0" } },
      dependencies: { b: { version: "1.0.0" } },
    }),
    packages: ["pkg:npm/a@1.0.0 indirect"],
  },
  {
    name: "lock version 1: a tree, aliases in versions",
    path: "package-lock.json",
    content: JSON.stringify(lockV1),
    packages: [
      "pkg:npm/%40real/name@2.0.0",
      "pkg:npm/debug@2.6.9",
      "pkg:npm/express@4.18.2",
      "pkg:npm/mocha@10.0.0 dev",
    ],
    problems: ["no-version: 1 from a URL"],
  },
  { name: "a lock without packages", path: "package-lock.json", content: '{"lockfileVersion":3}', packages: [] },
  {
    name: "a lock that a package ships is not the artifact's",
    path: "node_modules/a/package-lock.json",
    content: JSON.stringify(lockV3),
    packages: [],
  },
  {
    name: "a lock that is no JSON",
    path: "package-lock.json",
    content: "{",
    packages: [],
    problems: ["malformed: not JSON"],
  },
  {
    name: "a lock nested to exhaust a parser",
    path: "package-lock.json",
    content: `{"packages":${"[".repeat(100_000)}`,
    packages: [],
    problems: ["too-deep:"],
  },
  {
    name: "a lock with a path for a name",
    path: "package-lock.json",
    content: JSON.stringify({ packages: { "node_modules/../../etc": { version: "1.0.0" } } }),
    packages: [],
    problems: ["malformed: package name"],
  },
  {
    name: "an installed package",
    path: "usr/lib/node_modules/npm/node_modules/@npmcli/arborist/package.json",
    content: '\ufeff{"name":"@npmcli/arborist","version":"6.1.0","license":{"type":"ISC"}}',
    packages: ["pkg:npm/%40npmcli/arborist@6.1.0 installed licence:ISC"],
  },
  {
    name: "old forms of a licence",
    path: "node_modules/old/package.json",
    content: '{"name":"old","version":"0.1.0","licenses":[{"type":"MIT"},{"type":"GPL-2.0"}]}',
    packages: ["pkg:npm/old@0.1.0 installed licence:MIT OR GPL-2.0"],
  },
  {
    name: "a marker inside a package",
    path: "node_modules/a/package.json",
    content: '{"type":"module"}',
    packages: [],
  },
  {
    name: "a manifest deeper in a package",
    path: "node_modules/a/lib/package.json",
    content: '{"name":"x","version":"1.0.0"}',
    packages: [],
  },
  { name: "the project's own manifest", path: "package.json", content: '{"name":"x","version":"1.0.0"}', packages: [] },
  {
    name: "an empty manifest",
    path: "node_modules/a/package.json",
    content: "",
    packages: [],
    problems: ["malformed:"],
  },
  {
    name: "a manifest that is a list",
    path: "node_modules/a/package.json",
    content: "[1]",
    packages: [],
    problems: ["malformed: JSON, but not an object"],
  },
];
