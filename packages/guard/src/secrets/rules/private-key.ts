import { decodeBase64, isDerSequence } from "../proof.ts";
import { type Around, type Candidate, MAX_AFTER_BYTES, type SecretRule } from "../rule.ts";

/** PEM (RFC 7468) and OpenSSH's form of it; in JSON and environment files the line ends are written `\n`. */
const PEM =
  /-----BEGIN ((?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY)-----([A-Za-z0-9+/=\s\\:,.-]{60,8000}?)-----END \1-----/y;
const OPENSSH_MAGIC = "openssh-key-v1\0";
/** Where the cipher's name stands in an OpenSSH key; `none` is a key without a passphrase. */
const OPENSSH_CIPHER_AT = OPENSSH_MAGIC.length + 4;

/** Keys whose structure was read are proven; keys under a passphrase are told apart. */
export const privateKey: readonly SecretRule[] = [
  {
    id: "private-key",
    title: "Private key",
    severity: "critical",
    keywords: ["-----BEGIN "],
    before: 0,
    after: MAX_AFTER_BYTES,
    find: findKey,
  },
];

function findKey({ text, at }: Around): Candidate | undefined {
  PEM.lastIndex = at;
  const match = PEM.exec(text);
  if (match === null) return undefined;
  const place = { start: at, end: at + match[0].length };
  const [, label = "", body = ""] = match;
  const isEncrypted = label.startsWith("ENCRYPTED") || body.includes("ENCRYPTED");
  const bytes = decodeBase64(withoutLineEnds(isEncrypted ? withoutHeaders(body) : body));
  if (bytes === undefined || bytes.length < 40) return undefined;
  const secret = bytes.toString("latin1");
  if (bytes.toString("latin1", 0, OPENSSH_MAGIC.length) === OPENSSH_MAGIC) {
    const isOpen = bytes.toString("latin1", OPENSSH_CIPHER_AT, OPENSSH_CIPHER_AT + 4) === "none";
    return isOpen
      ? { ...place, secret, confidence: "proven" }
      : { ...place, secret, confidence: "likely", severity: "medium" };
  }
  if (isEncrypted) return { ...place, secret, confidence: "likely", severity: "medium" };
  return isDerSequence(bytes) ? { ...place, secret, confidence: "proven" } : undefined;
}

function withoutLineEnds(text: string): string {
  return text.replace(/\\[nr]|\s|\\/g, "");
}

/** `Proc-Type` and `DEK-Info` of old encrypted keys (RFC 1421 §4.6). */
function withoutHeaders(text: string): string {
  return text.replace(/^(?:\s|\\[nr])*(?:[A-Za-z-]+: [A-Za-z0-9,.-]+(?:\s|\\[nr])+)+/, "");
}
