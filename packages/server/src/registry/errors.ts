import { CodedError, isCoded } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import type { FastifyReply, FastifyRequest } from "fastify";
import { toRefusal } from "../http/problems.ts";

/** HTTP status and code of distribution-spec ("Error Codes") for each refusal of the registry. */
const ANSWERS: Readonly<Record<string, readonly [status: number, code: string]>> = {
  "blob-unknown": [404, "BLOB_UNKNOWN"],
  "upload-unknown": [404, "BLOB_UPLOAD_UNKNOWN"],
  "upload-busy": [409, "BLOB_UPLOAD_INVALID"],
  "upload-interrupted": [400, "BLOB_UPLOAD_INVALID"],
  "upload-range": [416, "BLOB_UPLOAD_INVALID"],
  "range-not-satisfiable": [416, "UNSUPPORTED"],
  "digest-mismatch": [400, "DIGEST_INVALID"],
  "digest-invalid": [400, "DIGEST_INVALID"],
  "size-invalid": [400, "SIZE_INVALID"],
  "manifest-invalid": [400, "MANIFEST_INVALID"],
  "manifest-too-large": [413, "MANIFEST_INVALID"],
  "manifest-unknown": [404, "MANIFEST_UNKNOWN"],
  "name-invalid": [400, "NAME_INVALID"],
  "name-unknown": [404, "NAME_UNKNOWN"],
  "tag-invalid": [400, "MANIFEST_INVALID"],
  "not-found": [404, "NAME_UNKNOWN"],
  unauthenticated: [401, "UNAUTHORIZED"],
  forbidden: [403, "DENIED"],
  "quota-exceeded": [403, "DENIED"],
  "mirror-refused": [403, "DENIED"],
  "in-use": [409, "DENIED"],
  "too-many-requests": [429, "TOOMANYREQUESTS"],
  "too-many-uploads": [429, "TOOMANYREQUESTS"],
  "too-large": [413, "SIZE_INVALID"],
  unsupported: [405, "UNSUPPORTED"],
  unavailable: [503, "UNKNOWN"],
  "disk-full": [507, "UNKNOWN"],
  internal: [500, "UNKNOWN"],
};

/** The error handler of `/v2`: refusals leave in the form that registry clients read. */
export function createRegistryErrorHandler(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const refusal = toRefusal(isFull(error) ?? error, request.id);
    if (refusal.code === "internal")
      log.error({ error, request: request.id, method: request.method }, "registry request failed");
    else log.debug({ code: refusal.code, request: request.id, method: request.method }, "registry request refused");
    sendRefusal(reply, refusal);
  };
}

function sendRefusal(reply: FastifyReply, refusal: CodedError): void {
  const [status, code] = ANSWERS[refusal.code] ?? [400, "UNSUPPORTED"];
  const { retryAfterSeconds, ...detail } = refusal.details;
  if (typeof retryAfterSeconds === "number") reply.header("retry-after", String(retryAfterSeconds));
  reply
    .status(status)
    .type("application/json")
    .serializer(JSON.stringify)
    .send({ errors: [{ code, message: refusal.message, detail }] });
}

/** A full disk is the operator's matter and the client may try again; anything else that the system says is our bug. */
function isFull(error: unknown): CodedError | undefined {
  if (isCoded(error)) return error;
  const code = (error as { code?: unknown } | undefined)?.code;
  if (code !== "ENOSPC" && code !== "EDQUOT") return undefined;
  return new CodedError("disk-full", "the server's disk is full; nothing was stored", { cause: error });
}
