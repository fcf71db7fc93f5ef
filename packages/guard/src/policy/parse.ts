import { type Static, Type } from "typebox";
import type { Policy } from "./policy.ts";
import { type FileProblem, isDay, parseStrictYaml } from "./strict-yaml.ts";

const MAX_RULES = 1000;
const MAX_ENTRIES = 10_000;
const MAX_TEXT = 1000;

const Text = Type.String({ minLength: 1, maxLength: MAX_TEXT });
const Texts = Type.Array(Text, { minItems: 1, maxItems: MAX_ENTRIES });
const strict = { additionalProperties: false };

const PolicyRuleDocument = Type.Object(
  {
    name: Text,
    kinds: Type.Optional(Type.Array(Type.Enum(["vulnerability", "malware", "secret", "licence"]), { minItems: 1 })),
    minSeverity: Type.Optional(Type.Enum(["critical", "high", "medium", "low", "unknown"])),
    minCvss: Type.Optional(Type.Number({ minimum: 0, maximum: 10 })),
    minEpss: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    minAgeDays: Type.Optional(Type.Integer({ minimum: 0, maximum: 36_500 })),
    exploited: Type.Optional(Type.Boolean()),
    fixAvailable: Type.Optional(Type.Boolean()),
    fromBaseImage: Type.Optional(Type.Boolean()),
    confidence: Type.Optional(Type.Array(Type.Enum(["proven", "likely"]), { minItems: 1 })),
    ids: Type.Optional(Texts),
    packages: Type.Optional(Texts),
    licences: Type.Optional(Texts),
    licenceCategories: Type.Optional(
      Type.Array(Type.Enum(["permissive", "weak-copyleft", "strong-copyleft", "unknown"]), { minItems: 1 }),
    ),
    action: Type.Enum(["block", "warn", "ignore"]),
    expires: Type.Optional(Text),
    dryRun: Type.Optional(Type.Boolean()),
  },
  strict,
);

/** The policy file, as users write it. */
export const PolicyDocument = Type.Object(
  { name: Type.Optional(Text), rules: Type.Array(PolicyRuleDocument, { maxItems: MAX_RULES }) },
  strict,
);
export type PolicyDocument = Static<typeof PolicyDocument>;

/** One thing that is wrong with a policy file. */
export type PolicyProblem = FileProblem;

/**
 * The policy in `text` (YAML; JSON is YAML too). Throws `policy-invalid`, whose message names the lines and whose details hold
 * `problems: PolicyProblem[]`; unknown keys are errors. `name` is what the policy is called when it does not say so itself.
 */
export function parsePolicy(text: string, name = "policy"): Policy {
  const value = parseStrictYaml(text, { schema: PolicyDocument, name, what: "policy", check: checkRules });
  return { name: value.name ?? name, rules: value.rules };
}

/** Reasons name the rule that decided, so two rules cannot have one name; a day must be in the calendar. */
function checkRules({ rules }: PolicyDocument): { path: string[]; message: string }[] {
  const seen = new Set<string>();
  return rules.flatMap(({ name, expires }, index) => {
    const problems: { path: string[]; message: string }[] = [];
    if (seen.has(name))
      problems.push({ path: ["rules", String(index), "name"], message: `a second rule is named "${name}"` });
    seen.add(name);
    if (expires !== undefined && !isDay(expires))
      problems.push({ path: ["rules", String(index), "expires"], message: `"${expires}" is not a day as 2027-01-31` });
    return problems;
  });
}
