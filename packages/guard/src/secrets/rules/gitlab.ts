import { looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

export const gitlab: readonly SecretRule[] = [
  {
    id: "gitlab-token",
    title: "GitLab token",
    severity: "critical",
    keywords: ["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-"],
    before: 1,
    after: 330,
    find: tokenAt({
      pattern:
        /gl(?:pat|dt|rt|ptt|cbt|soat|ft)-[0-9A-Za-z_-]{20,300}(?:\.[0-9a-z]{2}\.[0-9a-z]{9}|\.[0-9a-z]{2}[0-9a-z]{7})?(?![0-9A-Za-z_-])/y,
      judge: (token) => (looksRandom(token.slice(token.indexOf("-") + 1), 3.4) ? "likely" : undefined),
    }),
  },
];
