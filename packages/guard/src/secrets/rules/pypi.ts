import { decodeBase64 } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** First bytes of a macaroon (version 2) whose location is the index's name of 8 characters. */
const MACAROON_HEAD = Buffer.from([0x02, 0x01, 0x08]);
const LONGEST = 1000;

/** Upload tokens of the Python Package Index are macaroons, which name their place. */
export const pypi: readonly SecretRule[] = [
  {
    id: "pypi-token",
    title: "PyPI upload token",
    severity: "critical",
    keywords: ["pypi-AgE"],
    before: 1,
    after: LONGEST + 10,
    find: tokenAt({
      pattern: /pypi-AgE[A-Za-z0-9_-]{50,1000}(?![A-Za-z0-9_-])/y,
      judge: (token) => (isMacaroon(token.slice(5)) ? "proven" : undefined),
    }),
  },
];

function isMacaroon(text: string): boolean {
  const bytes = decodeBase64(text);
  if (bytes === undefined || bytes.length < 60 || !bytes.subarray(0, 3).equals(MACAROON_HEAD)) return false;
  return /^[a-z.]{8}$/.test(bytes.toString("latin1", 3, 11)) && bytes[11] === 0x02;
}
