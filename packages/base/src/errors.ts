/**
 * A refusal with a stable code: something the caller asked for that we will not or cannot do. Codes are `kebab-case` and part of the
 * API; HTTP statuses and exit codes are mapped from them in one place each. Our own bugs are plain errors and are left to throw.
 */
export class CodedError extends Error {
  readonly code: string;
  /** Facts for machines beside the message; never a secret. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CodedError";
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Whether `error` is a {@link CodedError}, with this code when one is given. */
export function isCoded(error: unknown, code?: string): error is CodedError {
  return error instanceof CodedError && (code === undefined || error.code === code);
}

/** What to show a person of anything that was thrown: the message and the messages of its causes. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`;
}
