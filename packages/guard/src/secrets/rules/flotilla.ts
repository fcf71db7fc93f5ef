import { base62Checksum, decodeBase64, looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

const CHECKSUM_LENGTH = 6;

/** Flotilla's own: API tokens end in a checksum, provisioning tokens carry an id and 32 bytes, device tokens a payload and its MAC. */
export const flotilla: readonly SecretRule[] = [
  {
    id: "flotilla-api-token",
    title: "Flotilla API token",
    severity: "critical",
    keywords: ["flt_"],
    before: 1,
    after: 100,
    find: tokenAt({
      pattern: /flt_[0-9a-f]{32}_[0-9A-Za-z]{49}(?![0-9A-Za-z])/y,
      judge: (token) =>
        base62Checksum(token.slice(0, -CHECKSUM_LENGTH)) === token.slice(-CHECKSUM_LENGTH) ? "proven" : undefined,
    }),
  },
  {
    id: "flotilla-provisioning-token",
    title: "Flotilla provisioning token",
    severity: "high",
    keywords: ["flp_"],
    before: 1,
    after: 160,
    find: tokenAt({
      pattern: /(flp_[a-f0-9]{32}\.[A-Za-z0-9_-]{43})(?:\.[a-f0-9]{64})?(?![A-Za-z0-9_-])/y,
      judge: (token) => {
        const secret = token.slice(37);
        return decodeBase64(secret)?.length === 32 && looksRandom(secret, 4) ? "proven" : undefined;
      },
    }),
  },
];
