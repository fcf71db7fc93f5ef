import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram, Scratch, Server } from "../e2e/harness.ts";

/** Every API and kind of data that the suite knows, the optional ones included. */
const EVERYTHING = {
  OCI_VERSION: "1.1",
  OCI_API_BLOBS_DIGEST_HEADER: "true",
  OCI_API_BLOBS_UPLOAD_CANCEL: "true",
  OCI_API_MANIFESTS_DIGEST_HEADER: "true",
  OCI_API_MANIFESTS_TAG_PARAM: "true",
  OCI_DATA_SPARSE: "true",
};

test("the registry passes the conformance suite of OCI distribution with every optional API turned on", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  const result = await runProgram([process.env.FLOTILLA_TEST_CONFORMANCE ?? ""], {
    cwd: scratch.path,
    env: {
      ...EVERYTHING,
      OCI_REGISTRY: server.host,
      OCI_TLS: "disabled",
      OCI_REPO1: "default/conformance/one",
      OCI_REPO2: "default/conformance/two",
      OCI_USERNAME: "token",
      OCI_PASSWORD: server.token,
      OCI_RESULTS_DIR: join(scratch.path, "results"),
    },
  });
  const junit = readFileSync(join(scratch.path, "results", "junit.xml"), "utf8");
  const suite = /<testsuites?[^>]*?tests="(\d+)"[^>]*?failures="(\d+)"/.exec(junit);
  const failed = [...junit.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<(?:failure|error)/g)].map((match) => match[1]);
  assert.deepEqual(failed, [], result.stdout.slice(-4000));
  assert.equal(suite?.[2], "0");
  assert.ok(Number(suite?.[1]) >= 848, `the suite has ${suite?.[1]} cases; 848 are known`);
  assert.equal(result.code, 0, result.stderr.slice(-2000));
});
