import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { buildImage } from "@flotilla/oci/build";
import { tarOf } from "@flotilla/oci/tar/write";
import { createScanPool } from "../pool.ts";
import { openTarget } from "./target.ts";

const SOCKET = process.env["FLOTILLA_TEST_DOCKER"] ?? "";
const NAME = "flotilla-guard-test:sources";
const layers = [
  {
    "app/node_modules/a/package.json": '{"name":"a","version":"1.0.0"}',
    "app/gone/node_modules/b/package.json": '{"name":"b","version":"1.0.0"}',
  },
  { "app/gone": { removed: true } },
] as const;

/** One call of the Engine's API; its body is read whole. */
function call(method: string, path: string, body?: Buffer): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const sent = request(
    { socketPath: SOCKET, method, path, headers: { "content-type": "application/x-tar" } },
    (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("end", () => resolve(`${response.statusCode} ${text}`));
    },
  );
  sent.on("error", reject);
  sent.end(body);
  return promise;
}

describe("a real Docker Engine", () => {
  const image = buildImage({ files: layers, compress: false });
  before(async () => {
    const path = (digest: string) => `${digest.slice("sha256:".length)}.tar`;
    const config = `${image.config.digest.slice("sha256:".length)}.json`;
    const manifest = [
      { Config: config, RepoTags: [NAME], Layers: image.layers.map(({ descriptor }) => path(descriptor.digest)) },
    ];
    const archive = tarOf([
      { kind: "file", path: config, content: image.config.bytes },
      ...image.layers.map(({ descriptor, bytes }) => ({
        kind: "file" as const,
        path: path(descriptor.digest),
        content: bytes,
      })),
      { kind: "file", path: "manifest.json", content: JSON.stringify(manifest) },
    ]);
    assert.match(await call("POST", "/images/load", archive), /^200 .*Loaded image/s);
  });
  after(() => call("DELETE", `/images/${NAME}?force=true`));

  for (const threads of [0, 2]) {
    it(`streams an image out of it, with ${threads} threads`, async () => {
      const pool = threads === 0 ? undefined : createScanPool({ threads });
      const source = await openTarget(`docker:${NAME}`, { dockerSocket: SOCKET });
      const { packages, problems } = await source.inventory({ inventory: true, secrets: true }, pool);
      await pool?.close();
      assert.deepEqual(problems, []);
      assert.deepEqual(
        packages.map(({ purl, locations }) => [purl, locations]),
        [["pkg:npm/a@1.0.0", [{ path: "app/node_modules/a/package.json", layer: image.layers[0]?.diffId }]]],
      );
    });
  }

  it("says that an image is not there", async () => {
    const source = await openTarget("docker:flotilla-guard-test:nowhere", { dockerSocket: SOCKET });
    await assert.rejects(source.inventory({ inventory: true, secrets: true }, undefined), { code: "target-not-found" });
  });
});
