import { looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

export const huggingFace: readonly SecretRule[] = [
  {
    id: "hugging-face-token",
    title: "Hugging Face token",
    severity: "high",
    keywords: ["hf_", "api_org_"],
    before: 1,
    after: 48,
    find: tokenAt({
      pattern: /(?:hf_|api_org_)[A-Za-z]{34}(?![A-Za-z0-9_])/y,
      judge: (token) =>
        looksRandom(token.slice(-34), 3.8) && /[a-z][A-Z]|[A-Z][a-z]/.test(token) ? "likely" : undefined,
    }),
  },
];
