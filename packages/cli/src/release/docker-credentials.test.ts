import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { dockerCredentials } from "./docker-credentials.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-credentials-"));
after(() => rmSync(folder, { recursive: true }));
const before = process.env.PATH;
process.env.PATH = `${folder}:${before}`;
after(() => {
  process.env.PATH = before;
});

let files = 0;
function config(value: unknown): string {
  const file = join(folder, `config-${++files}.json`);
  writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
  return file;
}

function helper(name: string, script: string): void {
  writeFileSync(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const auth = (text: string) => Buffer.from(text).toString("base64");
const HOST = "registry.example:5000";
const USER = { kind: "basic", username: "user", password: "pa:ss" };

const CASES: readonly (readonly [what: string, config: unknown, expected: unknown])[] = [
  ["what docker login wrote", { auths: { [HOST]: { auth: auth("user:pa:ss") } } }, USER],
  ["with a scheme", { auths: { [`https://${HOST}`]: { auth: auth("user:pa:ss") } } }, USER],
  ["another host", { auths: { "other.example": { auth: auth("user:pa:ss") } } }, undefined],
  ["nothing", {}, undefined],
  ["a helper of the host", { credHelpers: { [HOST]: "good" } }, USER],
  ["a store of all hosts", { credsStore: "good", auths: { [HOST]: {} } }, USER],
  ["a store that has none", { credsStore: "empty" }, undefined],
];
for (const [what, value, expected] of CASES)
  test(`finds ${what}`, async () => {
    helper("good", `read host; [ "$1 $host" = "get ${HOST}" ] && echo '{"Username":"user","Secret":"pa:ss"}'`);
    helper("empty", "echo 'credentials not found in native keychain'; exit 1");
    assert.deepEqual(await dockerCredentials(config(value), HOST), expected);
  });

test("no configuration is no credentials", async () => {
  assert.equal(await dockerCredentials(join(folder, "absent.json"), HOST), undefined);
});

const REFUSED: readonly (readonly [what: string, config: unknown, message: RegExp])[] = [
  ["a helper that is not installed", { credHelpers: { [HOST]: "absent" } }, /docker-credential-absent.*not installed/],
  ["a helper that fails", { credHelpers: { [HOST]: "failing" } }, /docker login registry\.example/],
  ["a helper with a path", { credHelpers: { [HOST]: "../../bin/x" } }, /not valid/],
  ["a helper without JSON", { credHelpers: { [HOST]: "talking" } }, /no JSON/],
  ["an identity token", { auths: { [HOST]: { identitytoken: "SECRET" } } }, /identity token/],
  ["a helper's identity token", { credHelpers: { [HOST]: "token" } }, /identity token/],
  ["a damaged entry", { auths: { [HOST]: { auth: "SECRET" } } }, /damaged/],
  ["a damaged file", "SECRET {", /no JSON/],
];
for (const [what, value, message] of REFUSED)
  test(`refuses ${what}, and shows no secret`, async () => {
    helper("failing", "echo SECRET; exit 2");
    helper("talking", "echo SECRET");
    helper("token", `echo '{"Username":"<token>","Secret":"SECRET"}'`);
    await assert.rejects(dockerCredentials(config(value), HOST), (error: Error & { code?: string }) => {
      assert.equal(error.code, "credentials-unavailable");
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /SECRET/);
      return true;
    });
  });
