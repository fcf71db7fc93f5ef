import { decodeBase64, isDerSequence, looksRandom } from "../proof.ts";
import { type Around, type Candidate, MAX_AFTER_BYTES, MAX_BEFORE_BYTES, type SecretRule, tokenAt } from "../rule.ts";

const PRIVATE_KEY =
  /"private_key"\s{0,20}:\s{0,20}"-----BEGIN PRIVATE KEY-----((?:\\n|[A-Za-z0-9+/=]){100,6000})-----END PRIVATE KEY-----/y;

export const google: readonly SecretRule[] = [
  {
    id: "gcp-service-account",
    title: "Google Cloud service account key",
    severity: "critical",
    keywords: ['"private_key"'],
    before: MAX_BEFORE_BYTES,
    after: MAX_AFTER_BYTES,
    find: findServiceAccount,
  },
  {
    id: "google-api-key",
    title: "Google API key",
    severity: "medium",
    keywords: ["AIza"],
    before: 1,
    after: 48,
    find: tokenAt({
      pattern: /AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])/y,
      judge: (token) => (looksRandom(token.slice(4), 3.8) ? "likely" : undefined),
    }),
  },
  {
    id: "google-oauth-secret",
    title: "Google OAuth client secret",
    severity: "high",
    keywords: ["GOCSPX-"],
    before: 1,
    after: 48,
    find: tokenAt({
      pattern: /GOCSPX-[0-9A-Za-z_-]{28}(?![0-9A-Za-z_-])/y,
      judge: (token) => (looksRandom(token.slice(7), 3.5) ? "likely" : undefined),
    }),
  },
];

/** The JSON document of a service account, told by its type and the key's own structure. */
function findServiceAccount({ text, at }: Around): Candidate | undefined {
  if (!/"type"\s{0,20}:\s{0,20}"service_account"/.test(text)) return undefined;
  PRIVATE_KEY.lastIndex = at;
  const match = PRIVATE_KEY.exec(text);
  const bytes = decodeBase64((match?.[1] ?? "").replaceAll("\\n", ""));
  if (match === null || bytes === undefined || !isDerSequence(bytes)) return undefined;
  const start = at + match[0].indexOf("-----BEGIN");
  return { start, end: at + match[0].length, secret: bytes.toString("latin1"), confidence: "proven" };
}
