import assert from "node:assert/strict";
import { test } from "node:test";
import { mustRelease, pageOf, startRollout, webApp } from "./apps.ts";
import { Device } from "./device.ts";
import { eventually, freePort, Scratch, Server } from "./harness.ts";
import { pushImage, webImage } from "./images.ts";

interface Refused {
  readonly status: number;
  readonly code: string | undefined;
}

async function call(server: Server, path: string, token: string, init: RequestInit = {}): Promise<Refused> {
  const response = await fetch(`${server.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });
  const body = (await response.json().catch(() => ({}))) as { code?: string; errors?: { code: string }[] };
  return { status: response.status, code: body.code ?? body.errors?.[0]?.code };
}

test("a revoked device is cut off at once, keeps running what it has, and cannot come back", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  await using device = await Device.start(server, "stolen");
  const port = await freePort();
  await pushImage(server, "default/web", "1", webImage("page one"));
  const release = await mustRelease(server, scratch, webApp(`${server.host}/default/web:1`, port));
  await startRollout(server, "shop", release, "--phases", "100%");
  await device.reaches("commits", ({ apps }) => apps.shop?.release === release);

  await server.json("device", "revoke", "stolen");
  await device.reaches("is shown as revoked", ({ status }) => status === "revoked");
  await eventually("the device learns that it was refused", async () => /revoked/.test(device.output));
  await device.kill();
  device.restart();
  await eventually("it is refused again", async () => (device.output.match(/revoked/g) ?? []).length > 0);
  assert.equal((await device.view()).status, "revoked");
  assert.equal(await pageOf(port), "page one");
});

test("wrong, expired and foreign credentials are refused with a code", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  const image = webImage("page one");
  await pushImage(server, "default/web", "1", image);
  const release = await mustRelease(server, scratch, webApp(`${server.host}/default/web:1`, 8080));

  assert.deepEqual(await call(server, "/api/v1/me", "flt_nonsense"), { status: 401, code: "unauthenticated" });
  const revoked = await server.json<{ id: string; token: string }>("token", "create", "ci", "--scopes", "device:read");
  assert.equal((await call(server, "/api/v1/projects/default/devices", revoked.token)).status, 200);
  await server.json("token", "revoke", revoked.id);
  assert.deepEqual(await call(server, "/api/v1/projects/default/devices", revoked.token), {
    status: 401,
    code: "unauthenticated",
  });

  const body = JSON.stringify({ name: "other" });
  const created = await call(server, "/api/v1/projects", server.token, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  assert.equal(created.status, 201);
  const foreign = await server.json<{ token: string }>(
    "--project",
    "other",
    "token",
    "create",
    "theirs",
    "--scopes",
    "release:read,registry:pull,registry:push,device:read",
  );
  const paths = [
    `/api/v1/projects/default/apps/shop/releases/${release}`,
    `/api/v1/projects/default/devices`,
    `/v2/default/web/manifests/1`,
    `/v2/default/web/blobs/${image.config.digest}`,
    `/v2/default/web/tags/list`,
  ];
  for (const path of paths) {
    const { status, code } = await call(server, path, foreign.token);
    assert.ok(status === 403 || status === 404, `${path}: ${status}`);
    assert.ok(code !== undefined && code !== "", `${path} has a coded error`);
  }
  const mount = await fetch(`${server.url}/v2/other/web/blobs/uploads/?mount=${image.config.digest}&from=default/web`, {
    method: "POST",
    headers: { authorization: `Bearer ${foreign.token}` },
  });
  assert.equal(mount.status, 202, "a blob of another project is not mounted: its bytes are asked for");

  const scoped = await server.json<{ token: string }>("token", "create", "reader", "--scopes", "device:read");
  assert.deepEqual(await call(server, "/v2/default/web/manifests/1", scoped.token), { status: 403, code: "DENIED" });
});
