import assert from "node:assert/strict";
import { it } from "node:test";
import { PackageURL } from "packageurl-js";
import { formatPurl, type PurlParts } from "./purl.ts";

const cases: readonly PurlParts[] = [
  { type: "npm", name: "left-pad", version: "1.3.0" },
  { type: "npm", namespace: "@scope", name: "name", version: "1.0.0-rc.1" },
  {
    type: "deb",
    namespace: "debian",
    name: "libstdc++6",
    version: "1:12.2~x-14",
    qualifiers: { distro: "debian-12", arch: "amd64" },
  },
  { type: "golang", namespace: "github.com/Azure", name: "go-autorest", version: "v14.2.0" },
  { type: "pypi", name: "a b", version: "1%2", qualifiers: { x: "a b&c=d/é", empty: undefined } },
  { type: "golang", name: "stdlib" },
];

for (const parts of cases) {
  const text = formatPurl(parts);
  it(`${text} reads back as it was written`, () => {
    const purl = PackageURL.fromString(text);
    assert.equal(purl.type, parts.type);
    assert.equal(purl.namespace ?? undefined, parts.namespace);
    assert.equal(purl.name, parts.name);
    assert.equal(purl.version ?? undefined, parts.version);
    const qualifiers = Object.entries(parts.qualifiers ?? {}).filter(([, value]) => value !== undefined);
    assert.deepEqual({ ...purl.qualifiers }, Object.fromEntries(qualifiers));
    assert.match(text, /^[\x21-\x7e]+$/);
  });
}

it("encodes as the specification says, where the library does not", () => {
  // purl-spec: all but letters, digits and `.-_~` are encoded, and the colon is not.
  assert.equal(formatPurl({ type: "deb", name: "a", version: "1:2+b3" }), "pkg:deb/a@1:2%2Bb3");
});
