import assert from "node:assert/strict";
import { test } from "node:test";
import { createCollector } from "../../collector.ts";
import { mergeLayers } from "../../image.ts";
import { makeSqlite } from "./database.cases.ts";
import { makeHeader } from "./header.cases.ts";
import { hostile } from "./inventory.cases.ts";
import { readSqlite } from "./sqlite.ts";

const DIST_INFO = "usr/lib/python3.9/site-packages/pip-21.0.dist-info/METADATA";
const METADATA = "Metadata-Version: 2.1\nName: pip\nVersion: 21.0\n";

for (const [osRelease, namespace, distro] of [
  ['ID="almalinux"\nVERSION_ID="9.4"\n', "almalinux", "AlmaLinux:9"],
  ['ID="rocky"\nVERSION_ID="8.10"\n', "rocky", "Rocky Linux:8"],
  ['ID="rhel"\nVERSION_ID="9.4"\n', "redhat", "Red Hat:enterprise_linux:9"],
  ['ID="opensuse-leap"\nVERSION_ID="15.6"\n', "opensuse", "openSUSE:Leap 15.6"],
  ["ID=fedora\nVERSION_ID=40\n", "fedora", undefined],
] as const)
  test(`${namespace}: the stream is ${distro}; files of a package are not found again`, () => {
    const header = makeHeader({
      name: "python3-pip",
      version: "21.0",
      release: "1",
      files: [
        ["/usr/bin/", "pip"],
        ["/usr/lib/python3.9/site-packages/pip-21.0.dist-info/", "METADATA"],
      ],
    });
    const collector = createCollector({ inventory: true, secrets: false });
    const database = makeSqlite([header], 4096);
    for (const [path, bytes] of [
      ["etc/os-release", Buffer.from(osRelease)],
      ["var/lib/rpm/rpmdb.sqlite", database],
      [DIST_INFO, Buffer.from(METADATA)],
    ] as const) {
      const file = collector.file(path, bytes.length);
      file?.write(bytes, 0);
      file?.end();
    }
    const { packages } = mergeLayers([collector.finish()]);
    const versionId = /VERSION_ID="?([\d.]+)/.exec(osRelease)?.[1] ?? "";
    const id = /ID="?([a-z-]+)/.exec(osRelease)?.[1] ?? "";
    assert.deepEqual(
      packages.map((item) => [item.purl, item.distro]),
      [[`pkg:rpm/${namespace}/python3-pip@21.0-1?distro=${id}-${versionId}`, distro]],
    );
  });

test("a tree that runs in a circle ends with a problem", () => {
  for (const bytes of hostile) assert.match(readSqlite(bytes).problems.join(), /^damaged: page \d+/);
});
