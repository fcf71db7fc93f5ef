import { type CodedError, isCoded } from "@flotilla/base/errors";

/** Exit codes of `flotilla`, the same for every verb and documented in `flotilla --help`. */
export const EXIT = { ok: 0, blocked: 1, usage: 2, failed: 3 } as const;

/** Thrown when the result is printed and only the exit code is left to set. */
export class Ended extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`ended with exit code ${exitCode}`);
    this.name = "Ended";
    this.exitCode = exitCode;
  }
}

const USAGE_CODES: ReadonlySet<string> = new Set(["usage", "compose-invalid", "not-signed-in", "bad-target"]);
const BLOCKED_CODES: ReadonlySet<string> = new Set(["release-blocked"]);

/** The one place where a refusal becomes an exit code. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Ended) return error.exitCode;
  if (!isCoded(error)) return EXIT.failed;
  if (BLOCKED_CODES.has(error.code)) return EXIT.blocked;
  return isUsage(error) ? EXIT.usage : EXIT.failed;
}

function isUsage(error: CodedError): boolean {
  return USAGE_CODES.has(error.code) || error.code.startsWith("usage-");
}
