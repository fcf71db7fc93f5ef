import assert from "node:assert/strict";
import { test } from "node:test";
import { formatJunit } from "./junit.ts";
import { reportFixture } from "./report.fixture.ts";
import { escapeMarkup } from "./xml.ts";

const xml = formatJunit(reportFixture);

/** Enough of an XML reader to see that tags nest and that nothing unescaped is left. */
function checkWellFormed(text: string): void {
  const open: string[] = [];
  const rest = text
    .replace(/^<\?xml [^?]*\?>/, "")
    .replace(/<(\/?)([a-z-]+)((?: [a-z]+="[^"<>]*")*)(\/?)>/g, (...match) => {
      const [, closing, name, , empty] = match as string[];
      if (closing === "/") assert.equal(open.pop(), name);
      else if (empty === "") open.push(name ?? "");
      return "";
    });
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest, /[<>]|&(?!(?:amp|lt|gt|quot|#39);)/);
}

test("is well-formed, also with hostile names", () => {
  checkWellFormed(xml);
  const findings = reportFixture.findings.map((finding) => ({ ...finding, id: `"]]><x a='&'>\u0000\ud800` }));
  checkWellFormed(formatJunit({ ...reportFixture, target: "<&>", findings }));
});

test("what is blocked failed with the rule and the sentence; what is warned of passed", () => {
  assert.match(xml, /^<testsuites name="flotilla" tests="5" failures="4" errors="0">$/m);
  assert.match(
    xml,
    /<testcase name="CVE-2021-23337 \(high\)" classname="lodash 4\.17\.5" file="app\/node_modules\/lodash\/package\.json">\n {6}<failure type="fixable-critical-and-high" message="lodash 4\.17\.5 has CVE-2021-23337/,
  );
  const warned = { outcome: "pass", reasons: [] } as const;
  const passing = formatJunit({ ...reportFixture, verdict: warned });
  assert.match(passing, /failures="0"/);
  assert.match(passing, /<system-out>lodash/);
});

test("a suite without findings has a case that passed", () => {
  const empty = formatJunit({ ...reportFixture, findings: [], verdict: { outcome: "pass", reasons: [] } });
  assert.equal(empty.match(/name="nothing found"/g)?.length, 4);
  checkWellFormed(empty);
});

test("markup is escaped, control and direction characters replaced", () =>
  assert.equal(escapeMarkup(`<a href="x">'&\u001b\u202e`), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\ufffd\ufffd"));
