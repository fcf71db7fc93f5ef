import assert from "node:assert/strict";
import { test } from "node:test";
import * as npm from "../ecosystems/npm/version.ts";
import { seededRandom } from "../ecosystems/order.contract.ts";
import { affects } from "../match.ts";
import { readOsv } from "./osv.ts";

type Json = Record<string, unknown>;

function document(more: Json, affected: Json = {}): Json {
  return {
    id: "TEST-1",
    modified: "2026-01-02T03:04:05Z",
    affected: [
      {
        package: { ecosystem: "npm", name: "a" },
        ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.2.3" }] }],
        ...affected,
      },
    ],
    ...more,
  };
}

function recordOf(value: unknown) {
  const reading = readOsv(value);
  assert.equal(reading.kind, "advisory");
  assert.ok(reading.kind === "advisory");
  return { ...reading.records[0]?.record, key: reading.records[0]?.key, problems: reading.problems };
}

const events = (...list: Json[]) => ({ ranges: [{ type: "ECOSYSTEM", events: list }] });

const RANGES: readonly (readonly [what: string, affected: Json, ranges: readonly Json[]])[] = [
  ["one fix", {}, [{ introduced: "0", fixed: "1.2.3" }]],
  ["no fix", events({ introduced: "1.0.0" }), [{ introduced: "1.0.0" }]],
  [
    "two branches, in the wrong order",
    events({ fixed: "2.0.4" }, { introduced: "2.0.0" }, { fixed: "1.9.10" }, { introduced: "0" }),
    [
      { introduced: "0", fixed: "1.9.10" },
      { introduced: "2.0.0", fixed: "2.0.4" },
    ],
  ],
  [
    "a last affected version",
    events({ introduced: "0" }, { last_affected: "1.5.0" }),
    [{ introduced: "0", lastAffected: "1.5.0" }],
  ],
  [
    "introduced twice before a fix",
    events({ introduced: "1.0.0" }, { introduced: "1.1.0" }, { fixed: "1.2.0" }),
    [{ introduced: "1.0.0", fixed: "1.2.0" }],
  ],
  [
    "commits beside versions",
    {
      ranges: [
        { type: "GIT", repo: "https://example.org/x", events: [{ introduced: "0" }, { fixed: "9999999" }] },
        { type: "SEMVER", events: [{ introduced: "0" }, { fixed: "3.0.0" }] },
      ],
    },
    [{ introduced: "0", fixed: "3.0.0" }],
  ],
];

for (const [what, affected, ranges] of RANGES)
  test(`ranges: ${what}`, () => assert.deepEqual(recordOf(document({}, affected)).ranges, ranges));

test("listed versions are kept where no range holds them", () => {
  const { versions } = recordOf(document({}, { versions: ["1.0.0", "1.2.2", "1.2.3", "9.0.0", "weird"] }));
  assert.deepEqual(versions, ["1.2.3", "9.0.0", "weird"]);
});

test("a range with a bound that has no place in the order is a problem, and the others stay", () => {
  const affected = {
    ranges: [
      { type: "SEMVER", events: [{ introduced: "0" }, { fixed: "2.0.x" }] },
      { type: "SEMVER", events: [{ introduced: "3.0.0" }, { fixed: "3.0.1" }] },
    ],
  };
  const { ranges, problems } = recordOf(document({}, affected));
  assert.deepEqual(ranges, [{ introduced: "3.0.0", fixed: "3.0.1" }]);
  assert.match(problems[0] ?? "", /^unordered-version: "2\.0\.x"/);
});

const V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const V4_LOW = "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N";
const RATINGS: readonly (readonly [what: string, more: Json, affected: Json, severity: string, cvss?: number])[] = [
  ["nothing said", {}, {}, "unknown"],
  ["a vector", { severity: [{ type: "CVSS_V3", score: V31 }] }, {}, "critical", 9.8],
  [
    "the highest of two vectors",
    {
      severity: [
        { type: "CVSS_V4", score: V4_LOW },
        { type: "CVSS_V3", score: V31 },
      ],
    },
    {},
    "critical",
    9.8,
  ],
  [
    "the package's vector over the document's",
    { severity: [{ type: "CVSS_V3", score: V31 }] },
    { severity: [{ type: "CVSS_V4", score: V4_LOW }] },
    "low",
    1,
  ],
  ["a word, where there is no vector", { database_specific: { severity: "MODERATE" } }, {}, "medium"],
  [
    "a vector over the database's word",
    { severity: [{ type: "CVSS_V3", score: V31 }], database_specific: { severity: "LOW" } },
    {},
    "critical",
    9.8,
  ],
  [
    "the distribution's urgency over the vector",
    { severity: [{ type: "CVSS_V3", score: V31 }] },
    { package: { ecosystem: "Debian:12", name: "a" }, ecosystem_specific: { urgency: "unimportant" } },
    "low",
    9.8,
  ],
  [
    "an urgency that is not assigned yet",
    { severity: [{ type: "CVSS_V3", score: V31 }] },
    { ecosystem_specific: { urgency: "not yet assigned" } },
    "critical",
    9.8,
  ],
  ["Ubuntu's priority", { severity: [{ type: "Ubuntu", score: "medium" }] }, {}, "medium"],
  ["AlmaLinux' word", { id: "ALSA-2024:1", summary: "Important: x security update" }, {}, "high"],
  ["a damaged vector", { severity: [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N" }] }, {}, "unknown"],
];

for (const [what, more, affected, severity, cvss] of RATINGS)
  test(`severity: ${what}`, () => {
    const record = recordOf(document(more, affected));
    if (severity === "low" && cvss === 1) assert.ok((record.cvss ?? 9) < 4);
    else assert.equal(record.cvss, cvss);
    assert.equal(record.severity, severity);
  });

test("names are kept as their ecosystem compares them", () => {
  const pypi = { package: { ecosystem: "PyPI", name: "Zope.Interface_X" } };
  assert.equal(recordOf(document({}, pypi)).key, "PyPI\tzope-interface-x");
  assert.equal(recordOf(document({}, { package: { ecosystem: "npm", name: "@Scope/X" } })).key, "npm\t@Scope/X");
});

test("MAL ids and the category of malicious crates are malware", () => {
  assert.equal(recordOf(document({ id: "MAL-2024-1" })).kind, "malware");
  assert.equal(recordOf(document({}, { database_specific: { categories: ["malicious"] } })).kind, "malware");
  assert.equal(recordOf(document({})).kind, "vulnerability");
});

test("a notice covers several CVEs; a distribution's copy of one CVE is its alias", () => {
  const notice = recordOf(document({ id: "DSA-5000-1", upstream: ["CVE-2024-10001", "CVE-2024-10002"] }));
  assert.deepEqual([notice.upstream, notice.aliases], [["CVE-2024-10001", "CVE-2024-10002"], []]);
  const related = recordOf(document({ id: "ALSA-2024:1", related: ["CVE-2024-10001"], summary: "Low: x" }));
  assert.deepEqual(related.upstream, ["CVE-2024-10001"]);
  const copy = recordOf(document({ id: "DEBIAN-CVE-2024-10001", upstream: ["CVE-2024-10001"] }));
  assert.deepEqual([copy.upstream, copy.aliases], [[], ["CVE-2024-10001"]]);
});

const NOTHING: readonly (readonly [what: string, value: Json, kind: string])[] = [
  ["withdrawn", document({ withdrawn: "2026-01-01T00:00:00Z" }), "withdrawn"],
  ["about maintenance", document({}, { database_specific: { informational: "unmaintained" } }), "not-security"],
  ["a bug fix", document({ id: "ALBA-2024:1" }), "not-security"],
];
for (const [what, value, kind] of NOTHING)
  test(`a document that is ${what} gives no advisory`, () => assert.equal(readOsv(value).kind, kind));

const HOSTILE: readonly (readonly [what: string, value: unknown])[] = [
  ["null", null],
  ["a list", []],
  ["without an id", { affected: [] }],
  ["of an id with a line break", document({ id: "A\n1" })],
  ["of an id that is a number", document({ id: 7 })],
  ["with ranges that are text", document({}, { ranges: "all" })],
  ["with an event that is a number", document({}, events({ introduced: 0 }))],
  ["with an endless version", document({}, { versions: ["1".repeat(600)] })],
  ["with an endless alias list", document({ aliases: Array.from({ length: 3000 }, (_, index) => `X-${index}`) })],
];
for (const [what, value] of HOSTILE)
  test(`a document ${what} is a problem`, () => assert.equal(readOsv(value).kind, "problem"));

for (const name of ["a\tb", "a\nb", "", "x".repeat(600)])
  test(`the package name ${JSON.stringify(name.slice(0, 10))} is a problem and no record`, () => {
    const reading = readOsv(document({}, { package: { ecosystem: "npm", name } }));
    assert.ok(reading.kind === "advisory");
    assert.deepEqual([reading.records.length, reading.problems.length], [0, 1]);
  });

test("the ecosystem __proto__ is a problem and no record", () => {
  const reading = readOsv(document({}, { package: { ecosystem: "__proto__", name: "a" } }));
  assert.ok(reading.kind === "advisory" && reading.records.length === 0 && reading.problems.length === 1);
});

test("a package named twice is one record with both ranges", () => {
  const entry = (introduced: string, fixed: string) => ({
    package: { ecosystem: "Go", name: "m" },
    ranges: [{ type: "SEMVER", events: [{ introduced }, { fixed }] }],
  });
  const reading = readOsv({ id: "GO-1", affected: [entry("0", "1.0.0"), entry("2.0.0", "2.1.0")] });
  assert.ok(reading.kind === "advisory");
  assert.equal(reading.records.length, 1);
  assert.equal(reading.records[0]?.record.ranges.length, 2);
});

interface OsvEvent {
  readonly introduced?: string;
  readonly fixed?: string;
  readonly last_affected?: string;
}

/** The OSV schema's own algorithm ("Evaluation"), on the document as it is written. */
function isAffectedBySchema(version: string, ranges: readonly (readonly OsvEvent[])[], versions: readonly string[]) {
  if (versions.includes(version)) return true;
  const at = (bound: string | undefined) => (bound === "0" ? 1 : npm.compare(version, bound ?? ""));
  const place = (event: OsvEvent) => event.introduced ?? event.fixed ?? event.last_affected ?? "";
  return ranges.some((range) => {
    let vulnerable = false;
    const inOrder = (a: OsvEvent, b: OsvEvent) =>
      place(a) === "0" ? -1 : place(b) === "0" ? 1 : npm.compare(place(a), place(b));
    for (const event of [...range].sort(inOrder)) {
      if (event.introduced !== undefined && at(event.introduced) >= 0) vulnerable = true;
      if (event.fixed !== undefined && at(event.fixed) >= 0) vulnerable = false;
      if (event.last_affected !== undefined && at(event.last_affected) > 0) vulnerable = false;
    }
    return vulnerable;
  });
}

test("what is kept of a document means what the OSV schema's own algorithm says, on 2,000 drawn documents", () => {
  const random = seededRandom(7);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  const bounds = ["1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "1.2.0", "2.0.0-beta", "2.0.0", "2.1.0", "3.0.0"];
  const kinds = ["introduced", "fixed", "last_affected"] as const;
  for (let round = 0; round < 2000; round++) {
    const ranges = Array.from({ length: 1 + Math.floor(random() * 2) }, () => {
      const places = bounds.filter(() => random() < 0.4);
      const drawn: OsvEvent[] = places.map((place) => ({ [pick(kinds)]: place }));
      return random() < 0.5 ? [{ introduced: "0" }, ...drawn] : drawn.toReversed();
    });
    const versions = bounds.filter(() => random() < 0.2);
    const [first] = (() => {
      const reading = readOsv(
        document({}, { ranges: ranges.map((list) => ({ type: "SEMVER", events: list })), versions }),
      );
      assert.ok(reading.kind === "advisory");
      return reading.records;
    })();
    for (const version of bounds)
      assert.equal(
        first !== undefined && affects(first.record, version, npm),
        isAffectedBySchema(version, ranges, versions),
        `${version} under ${JSON.stringify({ ranges, versions })}`,
      );
  }
});
