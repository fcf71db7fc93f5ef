import { looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** Live keys only: test keys move no money and stand in every tutorial. */
export const stripe: readonly SecretRule[] = [
  {
    id: "stripe-secret-key",
    title: "Stripe live secret key",
    severity: "critical",
    keywords: ["sk_live_", "rk_live_"],
    before: 1,
    after: 270,
    find: tokenAt({
      pattern: /[rs]k_live_[0-9A-Za-z]{24,247}(?![0-9A-Za-z])/y,
      judge: (token) => (looksRandom(token.slice(8), 3.8) ? "likely" : undefined),
    }),
  },
];
