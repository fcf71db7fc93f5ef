import assert from "node:assert/strict";
import { test } from "node:test";
import { createCollector } from "../../collector.ts";
import { mergeLayers } from "../../image.ts";
import type { Inventory } from "../../model.ts";

const INSTALLED = "P:py3-pip\nV:24.0-r2\no:py-pip\nF:usr/lib/python3.12/site-packages/pip-24.0.dist-info\nR:METADATA\n";
const METADATA = "Metadata-Version: 2.1\nName: pip\nVersion: 24.0\n";

function inventoryOf(osRelease: string): Inventory {
  const collector = createCollector({ inventory: true, secrets: false });
  for (const [path, text] of [
    ["etc/os-release", osRelease],
    ["lib/apk/db/installed", INSTALLED],
    ["usr/lib/python3.12/site-packages/pip-24.0.dist-info/METADATA", METADATA],
    ["opt/lib/python3.12/site-packages/pip-24.0.dist-info/METADATA", METADATA],
  ] as const) {
    const file = collector.file(path, text.length);
    file?.write(Buffer.from(text), 0);
    file?.end();
  }
  return mergeLayers([collector.finish()]);
}

for (const [osRelease, purl, distro] of [
  ["ID=alpine\nVERSION_ID=3.20.1\n", "pkg:apk/alpine/py3-pip@24.0-r2?distro=alpine-3.20.1", "Alpine:v3.20"],
  [
    "ID=alpine\nVERSION_ID=3.21.0_alpha20240807\n",
    "pkg:apk/alpine/py3-pip@24.0-r2?distro=alpine-3.21.0_alpha20240807",
    undefined,
  ],
  ["ID=wolfi\nVERSION_ID=20230201\n", "pkg:apk/wolfi/py3-pip@24.0-r2?distro=wolfi-20230201", "Wolfi"],
  [
    "ID=chainguard\nVERSION_ID=20230214\n",
    "pkg:apk/chainguard/py3-pip@24.0-r2?distro=chainguard-20230214",
    "Chainguard",
  ],
] as const)
  test(`${purl}: its stream is ${distro}; what it owns is not found again as a language package`, () => {
    const { packages } = inventoryOf(osRelease);
    assert.deepEqual(
      packages.map((item) => [item.purl, item.distro, item.locations.map(({ path }) => path).join()]),
      [
        [purl, distro, "lib/apk/db/installed"],
        ["pkg:pypi/pip@24.0", undefined, "opt/lib/python3.12/site-packages/pip-24.0.dist-info/METADATA"],
      ],
    );
  });
