import { looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** A kind, `v1` and 32 bytes in hex. */
export const digitalocean: readonly SecretRule[] = [
  {
    id: "digitalocean-token",
    title: "DigitalOcean token",
    severity: "high",
    keywords: ["dop_v1_", "doo_v1_", "dor_v1_"],
    before: 1,
    after: 80,
    find: tokenAt({
      pattern: /do[por]_v1_[0-9a-f]{64}(?![0-9A-Za-z])/y,
      judge: (token) => (looksRandom(token.slice(7), 3.4) ? "likely" : undefined),
    }),
  },
];
