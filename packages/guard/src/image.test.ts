import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tarOf } from "@flotilla/oci/tar/write";
import { mergeLayers } from "./image.ts";
import { createLayerScanner } from "./layer-scanner.ts";
import type { LayerScan } from "./model.ts";
import { base62Checksum } from "./secrets/proof.ts";

/** A layer by the texts of its files; `undefined` is a symbolic link, `{ link }` a hard link. */
type Files = Readonly<Record<string, string | undefined | { readonly link: string }>>;

async function layerOf(files: Files): Promise<LayerScan> {
  const scanner = createLayerScanner();
  const entries = Object.entries(files).map(([path, content]) => {
    if (content === undefined) return { kind: "symlink" as const, path, linkName: "elsewhere" };
    if (typeof content === "object") return { kind: "hardlink" as const, path, linkName: content.link };
    return { kind: "file" as const, path, content };
  });
  await scanner.write(tarOf(entries));
  // Kept scans go through JSON: what is merged must survive it.
  return JSON.parse(JSON.stringify(await scanner.end())) as LayerScan;
}

const manifest = (name: string, version = "1.0.0") => JSON.stringify({ name, version });
const metadata = (name: string, version: string) => `Name: ${name}\nVersion: ${version}\n\n`;
const stanza = (name: string, version: string) =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`;
const OS = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n';

interface MergeCase {
  readonly name: string;
  readonly layers: readonly Files[];
  /** `purl` and the index of the layers it stands in. */
  readonly packages: readonly string[];
}

const cases: readonly MergeCase[] = [
  {
    name: "an upper layer replaces a file",
    layers: [
      { "node_modules/a/package.json": manifest("a", "1.0.0") },
      { "node_modules/a/package.json": manifest("a", "2.0.0") },
    ],
    packages: ["pkg:npm/a@2.0.0 1"],
  },
  {
    name: "a whiteout takes a folder away, and nothing whose name only begins alike",
    layers: [
      { "x/node_modules/a/package.json": manifest("a"), "x/node_modules/ab/package.json": manifest("ab") },
      { "x/node_modules/.wh.a": "" },
    ],
    packages: ["pkg:npm/ab@1.0.0 0"],
  },
  {
    name: "an opaque folder hides what is below it, not what its own layer has in it",
    layers: [
      { "x/node_modules/a/package.json": manifest("a"), "y/node_modules/a/package.json": manifest("a") },
      { "x/node_modules/b/package.json": manifest("b"), "x/.wh..wh..opq": "" },
    ],
    packages: ["pkg:npm/a@1.0.0 0", "pkg:npm/b@1.0.0 1"],
  },
  {
    name: "a link hides the file whose name it takes",
    layers: [{ "node_modules/a/package.json": manifest("a") }, { "node_modules/a/package.json": undefined }],
    packages: [],
  },
  {
    name: "a file that gives nothing hides the one it replaces",
    layers: [{ "var/lib/dpkg/status": stanza("a", "1") }, { "var/lib/dpkg/status": "" }],
    packages: [],
  },
  {
    name: "one package in two places",
    layers: [
      { "x/node_modules/a/package.json": manifest("a") },
      { "y/node_modules/a/package.json": { link: "nowhere" }, "z/node_modules/a/package.json": manifest("a") },
    ],
    packages: ["pkg:npm/a@1.0.0 0,1"],
  },
  {
    name: "debs know their distribution from another layer",
    layers: [
      { "usr/lib/os-release": OS, "etc/os-release": undefined },
      { "var/lib/dpkg/status": stanza("libc6", "2.36-9") },
    ],
    packages: ["pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12 1"],
  },
  {
    name: "language packages that a deb owns are left out, by either name of a merged folder",
    layers: [
      {
        "usr/lib/os-release": OS,
        "var/lib/dpkg/status": stanza("python3-yaml", "6.0-3"),
        "var/lib/dpkg/info/python3-yaml.list": "/.\n/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA\n",
        "usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA": metadata("PyYAML", "6.0"),
        "usr/local/lib/python3/dist-packages/six-1.dist-info/METADATA": metadata("six", "1"),
      },
    ],
    packages: ["pkg:deb/debian/python3-yaml@6.0-3?arch=amd64&distro=debian-12 0", "pkg:pypi/six@1 0"],
  },
  {
    name: "a distroless image says what its debs own by checksums",
    layers: [
      {
        "var/lib/dpkg/status.d/tool": "Package: tool\nArchitecture: amd64\nVersion: 1\n",
        "var/lib/dpkg/status.d/tool.md5sums": `${"0".repeat(32)}  usr/lib/tool.dist-info/METADATA\n`,
        "usr/lib/tool.dist-info/METADATA": metadata("tool", "1"),
      },
    ],
    packages: ["pkg:deb/debian/tool@1?arch=amd64 0"],
  },
  {
    name: "once the deb is gone, its files are nobody's",
    layers: [
      {
        "var/lib/dpkg/info/x.list": "/opt/x.dist-info/METADATA\n",
        "opt/x.dist-info/METADATA": metadata("x", "1"),
      },
      { "var/lib/dpkg/info/.wh.x.list": "" },
    ],
    packages: ["pkg:pypi/x@1 0"],
  },
  {
    name: "a lock beside its node_modules says no more than what is there",
    layers: [
      {
        "app/package-lock.json": JSON.stringify({
          packages: { "node_modules/a": { version: "1.0.0" }, "node_modules/dev": { version: "1.0.0", dev: true } },
        }),
        "app/node_modules/a/package.json": manifest("a"),
        "web/package-lock.json": JSON.stringify({ packages: { "node_modules/w": { version: "1.0.0" } } }),
      },
    ],
    packages: ["pkg:npm/a@1.0.0 0,0", "pkg:npm/w@1.0.0 0"],
  },
];

const PINNED = {
  "app/requirements.txt": "six==1\nidna==3\n",
  "usr/lib/python3/dist-packages/six.dist-info/METADATA": metadata("six", "2"),
};

describe("merging layers", () => {
  for (const test of cases) {
    it(test.name, async () => {
      const scans = await Promise.all(test.layers.map(layerOf));
      const { packages } = mergeLayers(scans);
      const described = packages.map(({ purl, locations }) => {
        const layers = locations.map(({ layer }) => scans.findIndex(({ diffId }) => diffId === layer));
        return `${purl} ${layers.join(",")}`;
      });
      assert.deepEqual(described, test.packages);
    });
  }

  it("in a folder, a lock is kept whole", async () => {
    const { diffId: _, ...folder } = await layerOf({
      "package-lock.json": JSON.stringify({ packages: { "node_modules/other-platform": { version: "1.0.0" } } }),
      "node_modules/a/package.json": manifest("a"),
    });
    assert.deepEqual(
      mergeLayers([folder]).packages.map(({ purl }) => purl),
      ["pkg:npm/a@1.0.0", "pkg:npm/other-platform@1.0.0"],
    );
  });

  it("of a pin and another version that is installed, an image has the second, a folder both", async () => {
    const layer = await layerOf(PINNED);
    const purls = (parts: Parameters<typeof mergeLayers>[0]) => mergeLayers(parts).packages.map(({ purl }) => purl);
    assert.deepEqual(purls([layer]), ["pkg:pypi/idna@3", "pkg:pypi/six@2"]);
    const { diffId: _, ...folder } = layer;
    assert.deepEqual(purls([folder]), ["pkg:pypi/idna@3", "pkg:pypi/six@1", "pkg:pypi/six@2"]);
  });

  it("names the advisory stream and the source of a deb, and the system", async () => {
    const status = `Package: libc-bin\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9\n`;
    const { packages, os } = mergeLayers([await layerOf({ "etc/os-release": OS, "var/lib/dpkg/status": status })]);
    assert.deepEqual(os, { id: "debian", versionId: "12", prettyName: "Debian GNU/Linux 12 (bookworm)" });
    assert.equal(packages[0]?.distro, "Debian:12");
    assert.deepEqual(packages[0]?.source, { name: "glibc", version: "2.36-9" });
  });

  it("keeps a secret whose file a later layer deletes", async () => {
    const body = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5";
    const scans = [
      await layerOf({ "root/.npmrc": `token=${["npm", body].join("_")}${base62Checksum(body)}` }),
      await layerOf({ "root/.wh..npmrc": "" }),
    ];
    const { secrets } = mergeLayers(scans);
    assert.deepEqual(
      secrets.map(({ rule, location }) => [rule, location.path, location.layer]),
      [["npm-token", "root/.npmrc", scans[0]?.diffId]],
    );
  });

  it("finds an included file in another layer, and says which is missing", async () => {
    const scans = [
      await layerOf({ "app/requirements.txt": "-r requirements/base.txt\n-r gone.txt\n" }),
      await layerOf({ "app/requirements/base.txt": "a==1\n" }),
    ];
    assert.deepEqual(
      mergeLayers(scans).problems.map(({ path, reason, layer }) => [path, reason.slice(0, 22), layer]),
      [["app/requirements.txt", "not-read: app/gone.txt", scans[0]?.diffId]],
    );
  });

  it("a package is for development when every declaration of it says so", async () => {
    const lock = (dev: boolean) =>
      JSON.stringify({
        packages: { "node_modules/a": { version: "1.0.0", dev }, "node_modules/b": { version: "1.0.0", dev: true } },
      });
    const { diffId: _, ...folder } = await layerOf({
      "x/package-lock.json": lock(true),
      "y/package-lock.json": lock(false),
      "x/node_modules/a/package.json": manifest("a"),
      "x/node_modules/b/package.json": manifest("b"),
    });
    assert.deepEqual(
      mergeLayers([folder]).packages.map(({ name, development, evidence }) => [name, development, evidence]),
      [
        ["a", undefined, "installed"],
        ["b", true, "installed"],
      ],
    );
  });

  it("installed and declared are one package, installed", async () => {
    const layer = await layerOf({
      "requirements.txt": "six==1\n",
      "usr/lib/python3/dist-packages/six.dist-info/METADATA": metadata("six", "1"),
    });
    const [found, ...others] = mergeLayers([layer]).packages;
    assert.equal(others.length, 0);
    assert.equal(found?.evidence, "installed");
    assert.equal(found?.direct, true);
    assert.equal(found?.locations.length, 2);
  });
});
