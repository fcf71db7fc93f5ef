import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { downloadAdvisories, isUrl } from "./download.ts";

const FILES: Readonly<Record<string, string>> = {
  "/bucket/npm/all.zip": "npm zip",
  "/bucket/Debian%3A12/all.zip": "debian zip",
  "/one/all.zip?x=1": "one zip",
  "/one/CVE-1.json": "{}",
};
const server = createServer((request, response) => {
  const body = FILES[request.url ?? ""];
  response.writeHead(body === undefined ? 404 : 200).end(body ?? "no");
});
let base = "";
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  base = `http://127.0.0.1:${address.port}`;
});
after(() => server.close());

const CASES: readonly (readonly [what: string, path: string, files: Readonly<Record<string, string>>])[] = [
  ["a bucket, with or without a slash", "/bucket/", { "0/all.zip": "npm zip", "1/all.zip": "debian zip" }],
  ["one zip", "/one/all.zip?x=1", { "all.zip": "one zip" }],
  ["one document", "/one/CVE-1.json", { "document.json": "{}" }],
];
for (const [what, path, files] of CASES)
  test(`fetches ${what}, and leaves nothing behind`, async () => {
    let folder = "";
    {
      await using downloaded = await downloadAdvisories({ url: base + path, ecosystems: ["npm", "Debian:12"], fetch });
      folder = downloaded.folder;
      for (const [name, body] of Object.entries(files)) assert.equal(readFileSync(join(folder, name), "utf8"), body);
    }
    assert.equal(existsSync(folder), false);
  });

test("what is not there, or nobody who answers, is a refusal with the address", async () => {
  await assert.rejects(downloadAdvisories({ url: `${base}/none.zip`, fetch }), {
    code: "download-failed",
    message: /none\.zip answered 404/,
  });
  await assert.rejects(downloadAdvisories({ url: "http://127.0.0.1:1/all.zip", fetch }), { code: "download-failed" });
});

test("tells addresses from paths", () => {
  assert.deepEqual(["https://x/y", "HTTP://x", "./http", "/a", "C:\\x"].map(isUrl), [true, true, false, false, false]);
});
