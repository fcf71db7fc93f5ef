import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

test("npm start tells its story to the end", { timeout: 300_000 }, async () => {
  // No engine: the story must not depend on one.
  const env = { ...process.env, DOCKER_HOST: "unix:///nowhere/docker.sock" };
  const child = spawn(process.execPath, [MAIN, "--exit"], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (more: string) => (text += more));
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 0, text);
  const story = [
    /is ready after/,
    /25 simulated devices .* are enrolled/,
    /BLOCKED: the policy does not let this become a release \(2 reasons\)/,
    /exit code 1/,
    /made hello r1/,
    /25 of 25 devices committed/,
    /Every device reported that r1 proved healthy/,
    /made hello r2/,
    /The rollout stopped by itself/,
    /its health check fails; the previous release was restored and runs/,
    /25 of 25 devices run hello 1\.1, healthy|The canaries restored themselves/,
    /sign in .*: http:\/\/127\.0\.0\.1:\d+\/sign-in\?code=/,
  ];
  let from = 0;
  for (const line of story) {
    const found = text.slice(from).search(line);
    assert.ok(found >= 0, `${line} does not come, or not in its place:\n${text}`);
    from += found;
  }
  const reasons = text.slice(text.indexOf("BLOCKED"), text.indexOf("exit code 1"));
  assert.match(reasons, /CVE-2021-3749/);
  assert.match(reasons, /lies in app\/deploy\/id_ed25519\.pem/);
  assert.ok(!text.includes("\u001b"), "plain text in a pipe");
});
