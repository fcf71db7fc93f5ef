import { base62Checksum, looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** Classic tokens are a prefix, 30 random characters and the CRC-32 of these in base 62. */
export const github: readonly SecretRule[] = [
  {
    id: "github-token",
    title: "GitHub token",
    severity: "critical",
    keywords: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
    before: 1,
    after: 48,
    find: tokenAt({
      pattern: /gh[pousr]_[0-9A-Za-z]{36}(?![0-9A-Za-z_])/y,
      judge: (token) => (base62Checksum(token.slice(4, 34)) === token.slice(34) ? "proven" : undefined),
    }),
  },
  {
    id: "github-fine-grained-token",
    title: "GitHub fine-grained token",
    severity: "critical",
    keywords: ["github_pat_"],
    before: 1,
    after: 100,
    find: tokenAt({
      pattern: /github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}(?![0-9A-Za-z_])/y,
      judge: (token) => (looksRandom(token.slice(11), 4) ? "proven" : undefined),
    }),
  },
];
