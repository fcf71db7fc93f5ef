import { CodedError } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import { PROBLEM_MEDIA_TYPE, type Problem } from "@flotilla/protocol/api/problem";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";

/** The one place where refusals get their HTTP status. A code that is not here is a request that cannot be honoured as it stands: 400. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  "wrong-credentials": 401,
  "code-invalid": 401,
  "token-invalid": 401,
  "proof-invalid": 401,
  forbidden: 403,
  "cross-site-request": 403,
  "role-exceeded": 403,
  "device-revoked": 403,
  "token-used-up": 403,
  "quota-exceeded": 403,
  "not-found": 404,
  "not-acceptable": 406,
  conflict: 409,
  "already-exists": 409,
  "last-owner": 409,
  "in-use": 409,
  "rollout-ended": 409,
  "rollout-not-paused": 409,
  "rollout-not-running": 409,
  "nothing-to-retry": 409,
  "device-offline": 409,
  "key-in-use": 409,
  gone: 410,
  "precondition-failed": 412,
  "too-large": 413,
  "unsupported-media-type": 415,
  "range-not-satisfiable": 416,
  "release-blocked": 422,
  "upgrade-required": 426,
  "too-many-requests": 429,
  internal: 500,
  "not-ready": 503,
  "scan-pending": 503,
  unavailable: 503,
  "disk-full": 507,
};

/** What Fastify refuses by itself, in our words. */
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  400: "invalid-request",
  404: "not-found",
  406: "not-acceptable",
  413: "too-large",
  414: "too-large",
  415: "unsupported-media-type",
  429: "too-many-requests",
  503: "unavailable",
};

/** HTTP status of a refusal's code. */
export function statusOf(code: string): number {
  return STATUS_OF_CODE[code] ?? 400;
}

/** The refusal in anything that a handler or Fastify threw; our own bugs become `internal`, which tells nothing about them. */
export function toRefusal(error: unknown, requestId: string): CodedError {
  if (error instanceof CodedError) return error;
  const { validation, validationContext, statusCode, message } = error as Partial<FastifyError>;
  if (validation !== undefined) return invalidRequest(validation, validationContext ?? "body");
  const code =
    statusCode === undefined || statusCode >= 500 ? undefined : (CODE_OF_STATUS[statusCode] ?? "invalid-request");
  if (code !== undefined) return new CodedError(code, message ?? code);
  return new CodedError("internal", `the server failed; its log tells more under request ${requestId}`);
}

/** Fastify's error handler: every failure leaves as a problem document. */
export function createErrorHandler(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const refusal = toRefusal(error, request.id);
    const route = request.routeOptions.url;
    if (refusal.code === "internal")
      log.error({ error, request: request.id, method: request.method, route }, "request failed");
    else log.debug({ code: refusal.code, request: request.id, method: request.method, route }, "request refused");
    sendProblem(reply, refusal);
  };
}

/** Answers with the problem document of a refusal. */
export function sendProblem(reply: FastifyReply, refusal: CodedError): void {
  const status = statusOf(refusal.code);
  const retryAfter = refusal.details.retryAfterSeconds;
  if (typeof retryAfter === "number") reply.header("retry-after", String(retryAfter));
  const problem: Problem = {
    ...refusal.details,
    type: `urn:flotilla:problem:${refusal.code}`,
    title: refusal.code.replaceAll("-", " "),
    status,
    detail: refusal.message,
    code: refusal.code,
  };
  // Serialised here: a route's response schema must not drop what a problem carries.
  reply.status(status).type(PROBLEM_MEDIA_TYPE).serializer(JSON.stringify).send(problem);
}

function invalidRequest(errors: NonNullable<FastifyError["validation"]>, where: string): CodedError {
  const list = errors.slice(0, 10).map((error) => ({
    path: `${where}${error.instancePath}`,
    message: describe(error),
  }));
  const first = list[0];
  return new CodedError(
    "invalid-request",
    first === undefined ? "the request is not valid" : `${first.path}: ${first.message}`,
    {
      details: { errors: list },
    },
  );
}

function describe(error: NonNullable<FastifyError["validation"]>[number]): string {
  const names = error.params.additionalProperties ?? error.params.requiredProperties;
  // TypeBox says of an unknown member that "schema is false".
  const message = error.keyword === "boolean" ? "is not known here" : (error.message ?? "is not valid");
  return Array.isArray(names) ? `${message}: ${names.join(", ")}` : message;
}
