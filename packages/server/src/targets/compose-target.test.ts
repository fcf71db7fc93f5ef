import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { KnownRelease } from "../releases/port.ts";
import type { ScopedValue } from "../variables/resolve.ts";
import { composeTarget, hashVariables } from "./compose-target.ts";

const device = { id: "d1", name: "press-7", labels: {} };
const V1 = asDigest(`sha256:${"1".repeat(64)}`);
const V2 = asDigest(`sha256:${"2".repeat(64)}`);

function release(digest: typeof V1, variables: KnownRelease["variables"]): KnownRelease {
  const document = { format: 1 as const, app: "web", createdAt: "", compose: V1, images: {} };
  return { project: "default", app: "web", digest, tag: "r1", repository: "default/web", document, variables };
}
const url: ScopedValue = { name: "URL", scope: "project", scopeOf: "", priority: 0, value: "http://a" };

test("an app gets the release and only the variables that it asks for", () => {
  const other = { ...url, name: "OTHER", value: "x" };
  const { apps, problems } = composeTarget({
    device,
    assigned: [{ app: "web", release: V1, known: release(V1, { URL: {} }) }],
    values: [url, other],
    previous: {},
  });
  assert.deepEqual(apps, {
    web: {
      release: V1,
      repository: "default/web",
      variables: { URL: "http://a" },
      variablesHash: hashVariables({ URL: "http://a" }),
    },
  });
  assert.deepEqual(problems, {});
});

test("a missing variable leaves the app on what it had, with the reason", () => {
  const had = { release: V1, repository: "default/web", variables: {}, variablesHash: hashVariables({}) };
  const { apps, problems } = composeTarget({
    device,
    assigned: [{ app: "web", release: V2, known: release(V2, { URL: {}, KEY: {}, MODE: { default: "a" } }) }],
    values: [url],
    previous: { web: had, gone: had },
  });
  assert.deepEqual(apps, { web: had });
  assert.equal(problems.web?.code, "variables-missing");
  assert.equal(problems.web?.release, V2);
  assert.match(problems.web?.message ?? "", /asks for KEY:/);
});

test("a release that is not known any more is a problem, not a removal", () => {
  const had = { release: V1, repository: "default/web", variables: {}, variablesHash: hashVariables({}) };
  const { apps, problems } = composeTarget({
    device,
    assigned: [{ app: "web", release: V2, known: undefined }],
    values: [],
    previous: { web: had },
  });
  assert.deepEqual(apps, { web: had });
  assert.equal(problems.web?.code, "release-unknown");
});

test("an app that is not assigned is not in the target", () => {
  const had = { release: V1, repository: "default/web", variables: {}, variablesHash: hashVariables({}) };
  assert.deepEqual(composeTarget({ device, assigned: [], values: [], previous: { web: had } }).apps, {});
});

test("the hash of variables does not depend on their order", () => {
  assert.equal(hashVariables({ a: "1", b: "2" }), hashVariables({ b: "2", a: "1" }));
  assert.notEqual(hashVariables({ a: "1" }), hashVariables({ a: "2" }));
});
