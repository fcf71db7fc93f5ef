import assert from "node:assert/strict";
import { test } from "node:test";
import { builtInPolicy } from "@flotilla/guard/policy/built-in";
import { parsePolicy } from "@flotilla/guard/policy/parse";
import { ProjectPolicy } from "@flotilla/protocol/api/releases";
import { startTestServer } from "../testing.ts";
import { createPolicies } from "./policies.ts";

const PATH = "/api/v1/projects/default/policy";
const STRICT = "name: strict\nrules:\n  - name: all\n    action: block\n";

test("a project starts with the built-in policy, sets its own, and goes back", async () => {
  await using server = await startTestServer();
  const policies = createPolicies(server.context);
  const first = await server.client.get(PATH, ProjectPolicy);
  assert.equal(first.source, "built-in");
  assert.deepEqual(parsePolicy(first.text), builtInPolicy);
  assert.deepEqual(await policies.of("default"), builtInPolicy);

  const set = await server.client.put(PATH, { text: STRICT }, ProjectPolicy);
  assert.deepEqual([set.source, set.text], ["project", STRICT]);
  assert.deepEqual(await policies.of("default"), { name: "strict", rules: [{ name: "all", action: "block" }] });

  const back = await server.client.put(PATH, { text: null }, ProjectPolicy);
  assert.equal(back.source, "built-in");
  const events = await server.context.events.after(0, { project: "default", limit: 100 });
  const actions = events.map((event) => event.action).filter((action) => action.startsWith("policy."));
  assert.deepEqual(actions, ["policy.changed", "policy.removed"]);
});

test("a policy that is not valid is refused with the line, and changes nothing", async () => {
  await using server = await startTestServer();
  const text = "rules:\n  - name: a\n    action: stop\n";
  await assert.rejects(server.client.put(PATH, { text }, ProjectPolicy), { code: "policy-invalid", message: /line 3/ });
  assert.equal((await server.client.get(PATH, ProjectPolicy)).source, "built-in");
});

test("nobody without the permission sees or sets it", async () => {
  await using server = await startTestServer();
  const stranger = server.clientWith(undefined);
  await assert.rejects(stranger.get(PATH, ProjectPolicy), { code: "unauthenticated" });
  await assert.rejects(stranger.put(PATH, { text: STRICT }, ProjectPolicy), { code: "unauthenticated" });
});
