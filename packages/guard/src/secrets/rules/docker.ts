import { decodeBase64, isPlaceholder } from "../proof.ts";
import type { Around, Candidate, SecretRule } from "../rule.ts";

const AUTH = /"auth"\s{0,20}:\s{0,20}"([A-Za-z0-9+/]{8,2000}={0,2})"/y;

/** Registry credentials as `docker login` keeps them without a credential helper: `user:password` in base64, below `auths`. */
export const docker: readonly SecretRule[] = [
  {
    id: "docker-config-auth",
    title: "Registry credentials in a Docker configuration",
    severity: "high",
    keywords: ['"auth"'],
    before: 4096,
    after: 2100,
    find: findAuth,
  },
];

function findAuth({ text, at }: Around): Candidate | undefined {
  AUTH.lastIndex = at;
  const match = AUTH.exec(text);
  if (match?.[1] === undefined || !text.slice(0, at).includes('"auths"')) return undefined;
  const login = decodeBase64(match[1])?.toString("latin1") ?? "";
  if (!/^[\x21-\x39\x3b-\x7e]+:[\x20-\x7e]{6,}$/.test(login) || isPlaceholder(login)) return undefined;
  const start = at + match[0].indexOf(match[1]);
  return { start, end: start + match[1].length, confidence: "proven" };
}
