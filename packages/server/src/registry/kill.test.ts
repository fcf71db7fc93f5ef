import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import { rawRegistry, startServerOn, temporaryFolder } from "./testing.ts";

const content = randomBytes(3 * 2 ** 20);
const digest = sha256(content);

/** The server in a process of its own, on the folder. */
async function startProcess(dataDir: string): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const code = `import { runServer } from ${JSON.stringify(new URL("../main.ts", import.meta.url).href)};
    await runServer({ data: ${JSON.stringify(dataDir)}, listen: "127.0.0.1:0", "owner-token-file": ${JSON.stringify(join(dataDir, "owner-token"))} });`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const chunk of child.stdout!) {
    const url = /listens on (http:\S+),/.exec(String(chunk))?.[1];
    if (url !== undefined) return { child, url };
  }
  throw new Error("the server did not start");
}

test("a server killed in the middle of an upload serves nothing half-written, and the upload goes on", async () => {
  await using folder = await temporaryFolder();
  const { child, url } = await startProcess(folder.path);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const ownerToken = (await readFile(join(folder.path, "owner-token"), "utf8")).trim();
  const send = rawRegistry({ url, ownerToken });
  const location = (await send("POST", "default/a/blobs/uploads/")).headers.get("location")!;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(content.subarray(0, 2 ** 20)),
  });
  const headers = { authorization: `Bearer ${ownerToken}` };
  const sending = fetch(new URL(location, url), { method: "PATCH", headers, body, duplex: "half" } as RequestInit);
  const failed = assert.rejects(sending);
  const received = async () => Number((await send("GET", location)).headers.get("range")?.split("-")[1]);
  while ((await received()) < 2 ** 19) await new Promise((resolve) => setImmediate(resolve));
  child.kill("SIGKILL");
  await exited;
  await failed;

  await using again = await startServerOn(folder.path);
  const sendAgain = rawRegistry(again);
  assert.equal((await sendAgain("HEAD", `default/a/blobs/${digest}`)).status, 404);
  assert.deepEqual(await readdir(join(folder.path, "registry", "blobs", "sha256")), []);
  const range = (await sendAgain("GET", location)).headers.get("range") ?? "";
  const size = Number(range.split("-")[1]) + 1;
  assert.ok(size >= 2 ** 19 && size <= 2 ** 20, range);
  const end = await sendAgain("PUT", `${location}?digest=${digest}`, {
    body: content.subarray(size),
    headers: { "content-range": `${size}-${content.length - 1}` },
  });
  assert.equal(end.status, 201);
  const whole = await sendAgain("GET", `default/a/blobs/${digest}`);
  assert.equal(sha256(new Uint8Array(await whole.arrayBuffer())), digest);
});
