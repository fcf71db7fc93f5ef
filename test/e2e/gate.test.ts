import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { createRelease, mustRelease, webApp } from "./apps.ts";
import { Scratch, Server } from "./harness.ts";
import { leakyImage, pushImage, webImage } from "./images.ts";

test("an image that the guard blocks cannot become a release, and the refusal says why and where", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const leaky = leakyImage("page", pem);
  await pushImage(server, "default/web", "leaky", leaky);

  const refused = await createRelease(server, scratch, webApp(`${server.host}/default/web:leaky`, 8080));
  assert.equal(refused.code, 1, refused.stdout + refused.stderr);
  const said = refused.stdout + refused.stderr;
  assert.match(said, /etc\/app\/id_key\.pem/);
  assert.match(said, /secret/);
  assert.ok(said.includes(leaky.layers.at(-1)?.diffId ?? "none"), "it names the layer");
  assert.ok(!said.includes(pem.split("\n")[1] ?? "none"), "it does not show the secret");
  assert.deepEqual(await server.json("release", "list", "shop").catch(() => []), []);

  const plain = await server.flotilla(
    "release",
    "create",
    "-f",
    scratch.write("plain.yaml", webApp(`${server.host}/default/web:leaky`, 8080)),
  );
  assert.equal(plain.code, 1);
  assert.match(plain.stdout + plain.stderr, /block/i);

  await pushImage(server, "default/web", "clean", webImage("page"));
  const digest = await mustRelease(server, scratch, webApp(`${server.host}/default/web:clean`, 8080));
  assert.match(digest, /^sha256:/);
});
