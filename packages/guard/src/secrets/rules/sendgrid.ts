import { decodeBase64, looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** `SG.`, 16 bytes and 32 bytes in base64url. */
export const sendgrid: readonly SecretRule[] = [
  {
    id: "sendgrid-key",
    title: "SendGrid API key",
    severity: "high",
    keywords: ["SG."],
    before: 1,
    after: 80,
    find: tokenAt({
      pattern: /SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/y,
      judge: (token) => {
        const [, id = "", secret = ""] = token.split(".");
        const fits = decodeBase64(id)?.length === 16 && decodeBase64(secret)?.length === 32;
        return fits && looksRandom(token.slice(3), 4) ? "proven" : undefined;
      },
    }),
  },
];
