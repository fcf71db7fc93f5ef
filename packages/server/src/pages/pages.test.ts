import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { startTestServer } from "../testing.ts";

const PAGES = ["/", "/setup", "/sign-in"];

test("each page carries all it needs, and its policy lets nothing else run", async () => {
  await using server = await startTestServer();
  for (const path of PAGES) {
    const response = await fetch(server.url + path, { headers: { cookie: "flotilla_session=x" } });
    assert.equal(response.status, 200, path);
    const html = await response.text();
    assert.ok(!/\b(?:src|href)="(?!data:)/.test(html), `${path} loads something`);
    assert.ok(!/ on[a-z]+="| style="/.test(html), `${path} has inline handlers or styles, which the policy refuses`);
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; /);
    assert.ok(!policy.includes("unsafe"));
    for (const [tag, directive] of [
      ["script", "script-src"],
      ["style", "style-src"],
    ] as const) {
      const content = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(html)?.[1] ?? "";
      const hash = createHash("sha256").update(content).digest("base64");
      assert.ok(policy.includes(`${directive} 'sha256-${hash}'`), `${path}: ${directive}`);
    }
  }
});

test("who is not signed in starts at the sign-in page", async () => {
  await using server = await startTestServer();
  const response = await fetch(`${server.url}/`, { redirect: "manual" });
  assert.deepEqual([response.status, response.headers.get("location")], [302, "/sign-in"]);
});
