import assert from "node:assert/strict";
import { test } from "node:test";
import { createCollector } from "../../collector.ts";
import { mergeLayers } from "../../image.ts";
import { osvEcosystemsOf } from "../../osv-names.ts";

const PROGRAM = Buffer.from(`\x7fELF${"\x01".repeat(2000)}\0BusyBox v1.36.1 (2024-06-10 07:11:47 UTC)\0`, "latin1");

test("what an OS package owns is that package's, whichever side of the merge of /usr its list is on", () => {
  const collector = createCollector({ inventory: true, secrets: false });
  for (const [path, bytes] of [
    ["lib/apk/db/installed", Buffer.from("P:busybox\nV:1.36.1-r5\nF:bin\nR:busybox\n")],
    ["usr/bin/busybox", PROGRAM],
    ["opt/busybox", PROGRAM],
  ] as const) {
    const file = collector.file(path, bytes.length);
    file?.write(bytes, 0);
    file?.end();
  }
  assert.deepEqual(
    mergeLayers([collector.finish()]).packages.map(({ purl, locations }) => [purl, locations.map(({ path }) => path)]),
    [
      ["pkg:apk/alpine/busybox@1.36.1-r5", ["lib/apk/db/installed"]],
      ["pkg:generic/busybox@1.36.1", ["opt/busybox"]],
    ],
  );
});

test("only names that an open database knows upstream by are matched; for all others nothing is concluded", () => {
  const streams = (name: string) => osvEcosystemsOf({ ecosystem: "binaries", name });
  assert.deepEqual(["nginx", "node", "openssl"].map(streams), [["Bitnami"], ["Bitnami"], []]);
});
