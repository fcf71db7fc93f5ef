import { isObject } from "../../json.ts";
import { decodeBase64 } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

/** Signed tokens (RFC 7519) with a header that reads as one. They may have expired: never more than likely. */
export const jwt: readonly SecretRule[] = [
  {
    id: "jwt",
    title: "JSON Web Token",
    severity: "low",
    keywords: ["eyJ"],
    before: 1,
    after: 4000,
    find: tokenAt({
      pattern: /eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,2500}\.[A-Za-z0-9_-]{32,700}(?![A-Za-z0-9_-])/y,
      judge: (token) => (isSigned(token) ? "likely" : undefined),
    }),
  },
];

function isSigned(token: string): boolean {
  const [header = "", payload = ""] = token.split(".");
  const algorithm = parse(header)?.["alg"];
  return typeof algorithm === "string" && algorithm.toLowerCase() !== "none" && parse(payload) !== undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decodeBase64(text)?.toString("utf8") ?? "");
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
