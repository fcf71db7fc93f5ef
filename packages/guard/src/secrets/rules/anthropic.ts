import { looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** `sk-ant-`, kind and version, 93 characters and a fixed end. */
export const anthropic: readonly SecretRule[] = [
  {
    id: "anthropic-key",
    title: "Anthropic API key",
    severity: "high",
    keywords: ["sk-ant-"],
    before: 1,
    after: 130,
    find: tokenAt({
      pattern: /sk-ant-(?:api|admin|sid|oat)\d{2}-[A-Za-z0-9_-]{80,93}AA(?![A-Za-z0-9_-])/y,
      judge: (token) => (looksRandom(token.slice(13, -2), 4) ? "proven" : undefined),
    }),
  },
];
