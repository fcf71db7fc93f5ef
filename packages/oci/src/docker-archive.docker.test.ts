import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildImage } from "./build.ts";
import { readDockerArchive } from "./docker-archive.ts";
import { sha256 } from "./hash.ts";
import { chunksOf } from "./positioned.ts";
import { tarOf } from "./tar/write.ts";

const socket = process.env.FLOTILLA_TEST_DOCKER;

test("what docker saves is read where it stands", { skip: !socket && "FLOTILLA_TEST_DOCKER is not set" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-save-"));
  const name = `flotilla-test/${crypto.randomUUID()}:v1`;
  const docker = (...words: string[]) => execFileSync("docker", ["--host", `unix://${socket}`, ...words]);
  // Two equal layers: engines write the second one as a link.
  const same = { same: "the same file" };
  const image = buildImage({ files: [same, { other: "another" }, same], config: { Cmd: ["/x"] }, compress: false });
  const layers = image.layers.map((_, index) => `l${index}.tar`);
  try {
    const input = tarOf([
      { path: "c.json", kind: "file", content: image.config.bytes },
      ...image.layers.map(({ bytes }, index) => ({ path: `l${index}.tar`, kind: "file" as const, content: bytes })),
      {
        path: "manifest.json",
        kind: "file",
        content: JSON.stringify([{ Config: "c.json", RepoTags: [name], Layers: layers }]),
      },
    ]);
    writeFileSync(join(folder, "in.tar"), input);
    docker("load", "-i", join(folder, "in.tar"));
    docker("save", "-o", join(folder, "out.tar"), name);
    const [saved, ...others] = readDockerArchive(join(folder, "out.tar"));
    assert.equal(others.length, 0);
    assert.deepEqual(saved?.names, [name]);
    assert.equal(saved?.configDigest, image.config.digest);
    for (const layer of saved?.layers ?? []) {
      using source = layer.open();
      assert.equal(sha256(Buffer.concat([...chunksOf(source)])), layer.diffId);
    }
    assert.equal(saved?.layers.length, 3);
  } finally {
    execFileSync("docker", ["--host", `unix://${socket}`, "rmi", "-f", name], { stdio: "ignore" });
    rmSync(folder, { recursive: true });
  }
});
