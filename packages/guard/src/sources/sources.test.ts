import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { encodedPart } from "@flotilla/base/digest";
import { type BuiltImage, buildImage } from "@flotilla/oci/build";
import { tarOf } from "@flotilla/oci/tar/write";
import type { Inventory } from "../model.ts";
import { createScanPool } from "../pool.ts";
import { base62Checksum } from "../secrets/proof.ts";
import type { SourceOptions } from "./source.ts";
import { openTarget, parseTarget } from "./target.ts";

const WANTED = { inventory: true, secrets: true };
const PLATFORM = { os: "linux", architecture: "amd64" };
const secretBody = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5";
const token = `${["npm", secretBody].join("_")}${base62Checksum(secretBody)}`;
const bakedBody = secretBody.toLowerCase();
const baked = `${["npm", bakedBody].join("_")}${base62Checksum(bakedBody)}`;
const FILES = [
  {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status":
      "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9\n",
    "root/.npmrc": `//host/:_authToken=${token}\n`,
  },
  { "app/node_modules/a/package.json": '{"name":"a","version":"1.0.0"}', "root/.npmrc": { removed: true } },
] as const;

const root = mkdtempSync(join(tmpdir(), "flotilla-sources-"));
after(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Uint8Array): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function dockerArchive(image: BuiltImage, links: boolean): Buffer {
  const path = (digest: string) => `blobs/sha256/${digest.slice(7)}`;
  const layers = image.layers.map(({ descriptor }, index) => (links ? `${index}/layer.tar` : path(descriptor.digest)));
  const manifest = JSON.stringify([{ Config: path(image.config.digest), RepoTags: ["app:1"], Layers: layers }]);
  return tarOf([
    ...image.blobs.map(({ digest, bytes }) => ({ kind: "file" as const, path: path(digest), content: bytes })),
    ...(links
      ? image.layers.map(({ descriptor }, index) => ({
          kind: "symlink" as const,
          path: `${index}/layer.tar`,
          linkName: `../${path(descriptor.digest)}`,
        }))
      : []),
    { kind: "file", path: "manifest.json", content: manifest },
  ]);
}

function writeLayout(image: BuiltImage, folder: string): string {
  write(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const { digest, mediaType, bytes } = image.manifest;
  for (const blob of [...image.blobs, { digest, bytes }])
    write(`${folder}/blobs/sha256/${encodedPart(blob.digest)}`, blob.bytes);
  const manifests = [
    { mediaType, digest, size: bytes.length, annotations: { "org.opencontainers.image.ref.name": "v1" } },
  ];
  write(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
  return join(root, folder);
}

/** A registry that serves one image, as the client's transport. */
function registryOf(image: BuiltImage): SourceOptions {
  const send: NonNullable<NonNullable<SourceOptions["registry"]>["send"]> = async ({ url }) => {
    const name = url.pathname.split("/").at(-1) ?? "";
    const isManifest = url.pathname.includes("/manifests/");
    const bytes = isManifest ? image.manifest.bytes : image.blobs.find(({ digest }) => digest === name)?.bytes;
    const headers: Readonly<Record<string, string>> = isManifest
      ? { "content-type": image.manifest.mediaType, "docker-content-digest": image.manifest.digest }
      : { "content-type": "application/octet-stream" };
    return {
      status: bytes === undefined ? 404 : 200,
      header: (header) => (header === "content-length" ? String(bytes?.length ?? 0) : headers[header]),
      body: (async function* () {
        if (bytes !== undefined) yield bytes;
      })(),
      discard: () => {},
    };
  };
  return { registry: { send, defaultUrl: "http://127.0.0.1:1" } };
}

async function inventoryOf(target: string, options: SourceOptions = {}): Promise<Inventory> {
  const source = await openTarget(target, { platform: PLATFORM, ...options });
  return source.inventory(WANTED, options.pool);
}

function assertWhole(inventory: Inventory, image: BuiltImage): void {
  const [first, second] = image.layers.map(({ diffId }) => diffId);
  assert.deepEqual(inventory.problems, []);
  assert.deepEqual(
    inventory.packages.map(({ purl, locations }) => [purl, locations]),
    [
      ["pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12", [{ path: "var/lib/dpkg/status", layer: first }]],
      ["pkg:npm/a@1.0.0", [{ path: "app/node_modules/a/package.json", layer: second }]],
    ],
  );
  assert.deepEqual(
    inventory.secrets.map(({ rule, location }) => [rule, location]),
    [
      ["npm-token", { path: "root/.npmrc", layer: first, line: 1 }],
      ["npm-token", { path: "(image config)" }],
    ],
  );
}

for (const compress of [true, false]) {
  describe(`images with ${compress ? "gzipped" : "plain"} layers`, () => {
    const image = buildImage({ files: FILES, compress, config: { Env: [`BAKED=${baked}`] } });
    const name = compress ? "gz" : "plain";
    const pool = createScanPool({ threads: 2 });
    after(() => pool.close());

    it("docker archive", async () => {
      const file = write(`${name}.tar`, dockerArchive(image, false));
      assertWhole(await inventoryOf(`docker-archive:${file}`), image);
      assertWhole(await inventoryOf(file, { pool }), image);
    });

    it("docker archive with linked layers", async () => {
      assertWhole(await inventoryOf(write(`${name}-links.tar`, dockerArchive(image, true))), image);
    });

    it("docker archive that is compressed itself", async () => {
      for (const [form, bytes] of [
        ["gz", gzipSync(dockerArchive(image, true))],
        ["zst", zstdCompressSync(dockerArchive(image, false))],
      ] as const) {
        const file = write(`${name}.tar.${form}`, bytes);
        assertWhole(await inventoryOf(`docker-archive:${file}`), image);
        assertWhole(await inventoryOf(file, { pool }), image);
        const cut = write(`${name}-cut.tar.${form}`, bytes.subarray(0, bytes.length - 40));
        await assert.rejects(inventoryOf(cut), { code: "decompress-damaged" });
      }
    });

    it("OCI layout", async () => {
      const folder = writeLayout(image, `${name}-layout`);
      for (const target of [folder, `oci:${folder}`, `oci:${folder}:v1`, `oci:${folder}@${image.manifest.digest}`])
        assertWhole(await inventoryOf(target, { pool }), image);
    });

    it("registry", async () => {
      assertWhole(await inventoryOf("registry:default/app:v1", registryOf(image)), image);
      assertWhole(await inventoryOf("127.0.0.1:5000/app:v1", { ...registryOf(image), pool }), image);
    });

    it("Docker Engine", async () => {
      for (const links of [true, false]) {
        await using engine = await engineOf(dockerArchive(image, links), `${name}${links}`);
        assertWhole(await inventoryOf("docker:app:1", { dockerSocket: engine.socket }), image);
        assertWhole(await inventoryOf("docker:app:1", { dockerSocket: engine.socket, pool }), image);
        await assert.rejects(inventoryOf("docker:other:1", { dockerSocket: engine.socket }), {
          code: "target-not-found",
        });
      }
    });
  });
}

async function engineOf(archive: Buffer, name: string) {
  const socket = join(root, `${name}.sock`);
  const server = createServer((request, response) => {
    if (request.url === "/images/app%3A1/get") response.end(archive);
    else response.writeHead(404).end('{"message":"no such image"}');
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("archives that are no image", () => {
  const archives: readonly [string, Buffer][] = [
    ["without a manifest", tarOf([])],
    ["with a manifest that is no JSON", tarOf([{ kind: "file", path: "manifest.json", content: "[oops" }])],
    ["with an empty manifest", tarOf([{ kind: "file", path: "manifest.json", content: "[]" }])],
    [
      "with a config that is missing",
      tarOf([{ kind: "file", path: "manifest.json", content: '[{"Config":"c","Layers":["l"]}]' }]),
    ],
  ];
  for (const [name, bytes] of archives)
    it(`${name} are refused`, async () => {
      for (const [form, file] of [
        ["tar", bytes],
        ["tar.gz", gzipSync(bytes)],
      ] as const)
        await assert.rejects(inventoryOf(write(`none.${form}`, file)), { code: "docker-archive-invalid" });
    });

  it("with too many files are refused, and documents beyond measure", async () => {
    const many = tarOf(Array.from({ length: 2_100 }, (_, index) => ({ kind: "file", path: `${index}`, content: "x" })));
    await assert.rejects(inventoryOf(write("many.tar.gz", gzipSync(many))), { code: "docker-archive-invalid" });
    const content = Buffer.alloc(4 * 2 ** 20, "{");
    const heavy = tarOf(Array.from({ length: 17 }, (_, index) => ({ kind: "file", path: `${index}`, content })));
    await assert.rejects(inventoryOf(write("heavy.tar.gz", gzipSync(heavy))), { code: "docker-archive-invalid" });
  });
});

describe("folder", () => {
  const folder = join(root, "tree");
  write("outside/node_modules/x/package.json", '{"name":"x","version":"1.0.0"}');
  write("tree/node_modules/a/package.json", '{"name":"a","version":"1.0.0"}');
  write("tree/.git/node_modules/b/package.json", '{"name":"b","version":"1.0.0"}');
  write("tree/secret.env", `TOKEN=${token}\n`);
  write("tree/empty.txt", "");
  symlinkSync(join(root, "outside/node_modules"), join(folder, "linked"));
  symlinkSync(join(root, "outside/node_modules/x"), join(folder, "node_modules/x"));
  symlinkSync(folder, join(folder, "loop"));

  it("is walked without following links, into no history", async () => {
    const inventory = await inventoryOf(`dir:${folder}`);
    assert.deepEqual(
      inventory.packages.map(({ purl, locations }) => [purl, locations]),
      [["pkg:npm/a@1.0.0", [{ path: "node_modules/a/package.json" }]]],
    );
    assert.deepEqual(
      inventory.secrets.map(({ location }) => location),
      [{ path: "secret.env", line: 1 }],
    );
    assert.deepEqual(inventory.problems, []);
  });

  it("is read on threads once it is large, with the same result", async () => {
    for (let index = 0; index < 900; index++)
      write(`large/node_modules/p${index}/package.json`, `{"name":"p${index}","version":"1.0.0"}`);
    write("large/requirements.txt", "-r more/requirements.txt\n");
    write("large/more/requirements.txt", "six==1\n");
    await using pool = createScanPool({ threads: 2 });
    const onThreads = await inventoryOf(join(root, "large"), { pool });
    assert.deepEqual(onThreads, await inventoryOf(join(root, "large")));
    assert.equal(onThreads.packages.length, 901);
    assert.deepEqual(onThreads.problems, []);
  });

  it("stops when told", async () => {
    for (let index = 0; index < 600; index++) write(`many/f${index}.env`, "x".repeat(20));
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(inventoryOf(`dir:${join(root, "many")}`, { signal }), /enough/);
  });
});

describe("targets", () => {
  const refusals: readonly [string, SourceOptions, string][] = [
    ["dir:/nowhere", {}, "target-not-found"],
    ["./nowhere", {}, "target-not-found"],
    ["docker-archive:", {}, "target-invalid"],
    ["docker-archive:/nowhere", {}, "target-not-found"],
    ["oci:/nowhere:v1", {}, "target-not-found"],
    ["registry:a/b", {}, "registry-unknown"],
    ["registry:a/b", { offline: true }, "offline"],
    ["docker:a/b", { offline: true }, "offline"],
    ["docker:a", { dockerSocket: "/nowhere.sock" }, "docker-unreachable"],
    ["sbom:/nowhere", {}, "target-not-found"],
  ];
  for (const [target, options, code] of refusals)
    it(`${target} is refused as ${code}`, async () => {
      await assert.rejects(inventoryOf(target, options), { code });
    });

  it("a bare word is a file, a folder, or a reference", () => {
    assert.deepEqual(parseTarget("registry.example/app:1"), { kind: "registry", value: "registry.example/app:1" });
    assert.deepEqual(parseTarget(write("bom.json", "{}")).kind, "sbom");
    assert.deepEqual(parseTarget(root).kind, "dir");
    assert.deepEqual(parseTarget("dir:a:b"), { kind: "dir", value: "a:b" });
  });
});

describe("SBOM", () => {
  const components = [
    { type: "library", purl: "pkg:npm/%40scope/a@1.0.0", components: [{ purl: "pkg:pypi/Foo_Bar@2.0" }] },
    { purl: "pkg:golang/github.com/a/b@v1.2.3" },
    { purl: "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc%402.36" },
    { purl: "pkg:hackage/lens@1.0.0" },
    { purl: "nonsense" },
    { type: "file", name: "x" },
  ];

  it("gives the packages that it lists, and says what it could not take", async () => {
    const file = write("app.cdx.json", JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", components }));
    const { packages, problems } = await inventoryOf(`sbom:${file}`);
    assert.deepEqual(
      packages.map(({ purl, name, ecosystem }) => [purl, name, ecosystem]),
      [
        ["pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc%402.36", "libc6", "deb"],
        ["pkg:golang/github.com/a/b@v1.2.3", "github.com/a/b", "go"],
        ["pkg:npm/%40scope/a@1.0.0", "@scope/a", "npm"],
        ["pkg:pypi/foo-bar@2.0", "foo-bar", "pypi"],
      ],
    );
    assert.deepEqual([packages[0]?.source, packages[0]?.distro], [{ name: "glibc", version: "2.36" }, "Debian:12"]);
    assert.deepEqual(
      problems.map(({ reason }) => reason),
      ["not-covered: 1 components: packages of type hackage", "not-covered: 1 components: a purl that cannot be read"],
    );
  });

  it("is refused when it is none", async () => {
    for (const text of ["[]", "{", '{"spdxVersion":"SPDX-2.3"}'])
      await assert.rejects(inventoryOf(`sbom:${write("bad.json", text)}`), { code: "sbom-invalid" });
  });
});
