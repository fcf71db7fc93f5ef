import { base62Checksum } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** `npm_`, 30 random characters and the CRC-32 of these in base 62. */
export const npm: readonly SecretRule[] = [
  {
    id: "npm-token",
    title: "npm access token",
    severity: "critical",
    keywords: ["npm_"],
    before: 1,
    after: 48,
    find: tokenAt({
      pattern: /npm_[0-9A-Za-z]{36}(?![0-9A-Za-z_])/y,
      judge: (token) => (base62Checksum(token.slice(4, 34)) === token.slice(34) ? "proven" : undefined),
    }),
  },
];
