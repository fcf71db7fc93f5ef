import assert from "node:assert/strict";
import { test } from "node:test";
import type { RetentionRule } from "@flotilla/protocol/api/registry-upkeep";
import { fits } from "./pattern.ts";
import { planRetention, type RepositoryState, ruleFor } from "./plan.ts";

const DAY = 86_400_000;
const NOW = 1000 * DAY;

/** A repository of tags `name:digest@daysOld` and manifests `digest@daysOld` or `digest<subject@daysOld`; `index>child` says what an index names. */
function state(tags: string, manifests: string, names = "", needed = ""): RepositoryState {
  const words = (text: string) => text.split(" ").filter((word) => word !== "");
  const at = (days: string | undefined) => NOW - Number(days) * DAY;
  return {
    tags: words(tags).map((word) => {
      const [, tag = "", digest = "", days] = /^(\S+):(\S+)@(\S+)$/.exec(word) ?? [];
      return { tag, digest, updatedAt: at(days) };
    }),
    manifests: words(manifests).map((word) => {
      const [, digest = "", subject, days] = /^([^<@]+)(?:<([^@]+))?@(\S+)$/.exec(word) ?? [];
      return { digest, subject: subject ?? null, createdAt: at(days) };
    }),
    names: words(names).map((word) => ({ manifest: word.split(">")[0]!, content: word.split(">")[1]! })),
    needed: new Set(words(needed)),
    isReleaseTag: (tag) => /^r\d+$/.test(tag),
  };
}

const THREE = ["a:1@3 b:2@2 c:3@9", "1@3 2@2 3@9"] as const;
const CASES: readonly [
  what: string,
  state: RepositoryState,
  rule: Omit<RetentionRule, "repositories">,
  tags: string,
  manifests: string,
][] = [
  ["the newest tags stay", state(...THREE), { keepLast: 2 }, "c", "3"],
  ["tags of a pattern stay", state(...THREE), { keepTags: ["c", "x*"] }, "a b", "1 2"],
  ["young tags stay", state(...THREE), { keepYoungerThanDays: 3 }, "a c", "1 3"],
  ["one rule is enough", state(...THREE), { keepLast: 1, keepTags: ["c"] }, "a", "1"],
  ["without a rule for tags they stay", state(...THREE), { untaggedAfterDays: 1 }, "", ""],
  ["what another tag names stays", state("a:1@3 b:1@2", "1@3"), { keepLast: 1 }, "a", ""],
  ["what a release needs stays, its tag not", state(...THREE, "", "3"), { keepLast: 2 }, "c", ""],
  ["a release's tag stays", state("r1:1@9 b:2@2", "1@9 2@2"), { keepLast: 1 }, "", ""],
  [
    "an index takes its images along",
    state("a:1@9 b:2@2", "1@9 2@2 3@9 4@9", "1>3 1>4 2>4"),
    { keepLast: 1 },
    "a",
    "1 3",
  ],
  ["referrers go with what they refer to", state("a:1@9 b:2@2", "1@9 2@2 3<1@9 4<2@9"), { keepLast: 1 }, "a", "1 3"],
  ["a referrer of a referrer too", state("a:1@9 b:2@2", "1@9 2@2 3<1@9 4<3@9"), { keepLast: 1 }, "a", "1 3 4"],
  ["untagged stays without a rule", state("b:2@2", "1@900 2@2"), { keepLast: 1 }, "", ""],
  ["untagged goes when it is old", state("b:2@2", "1@9 2@2 3@6"), { untaggedAfterDays: 7 }, "", "1"],
  ["a push under way is not disturbed", state("a:1@9 b:2@2", "1@9 2@2 3@0.5", "1>3"), { keepLast: 1 }, "a", "1"],
];
for (const [what, repository, rule, tags, manifests] of CASES)
  test(what, () => {
    const plan = planRetention(repository, { repositories: "*", ...rule }, NOW);
    assert.equal(plan.tags.map(({ tag }) => tag).join(" "), tags);
    assert.equal(plan.manifests.join(" "), manifests);
  });

test("the first rule that fits counts, and none keeps everything", () => {
  const policy = {
    rules: [
      { repositories: "web/*", keepLast: 1 },
      { repositories: "w*", keepLast: 2 },
    ],
  };
  const last = (name: string) => ruleFor(policy, name)?.keepLast;
  assert.deepEqual(["web/a", "web", "other"].map(last), [1, 2, undefined]);
});

const PATTERNS: readonly [pattern: string, text: string, does: boolean][] = [
  ["*", "", true],
  ["v1.*", "v1.2", true],
  ["v1.*", "v10", false],
  ["v?", "v1", true],
  ["v?", "v", false],
  ["*-rc*-*", "a-rc1-b", true],
  ["a*b*c", "aXbXbXc", true],
  ["a*b*c", "aXbXbX", false],
  ["v.1", "vx1", false],
];
for (const [pattern, text, does] of PATTERNS)
  test(`${pattern} ${does ? "fits" : "does not fit"} "${text}"`, () => assert.equal(fits(pattern, text), does));

test("no pattern makes matching slow", () => {
  // Backtracking over each star would take longer than the universe has.
  assert.equal(fits(`${"*a".repeat(60)}*b`, "a".repeat(5000)), false);
});
