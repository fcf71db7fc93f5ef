import { type IncomingMessage, request } from "node:http";
import { CodedError } from "@flotilla/base/errors";
import { ArchiveStream } from "./archive-stream.ts";
import type { Source, SourceOptions } from "./source.ts";

const DEFAULT_SOCKET = "/var/run/docker.sock";
const MAX_ERROR_BYTES = 64 * 1024;
/** An image of a Docker Engine, streamed out of it (`GET /images/{name}/get`) and kept nowhere. */
export function openDockerEngine(reference: string, options: SourceOptions): Source {
  return {
    name: reference,
    parts: 2,
    inventory: async (wanted, pool) =>
      new ArchiveStream(wanted, pool).read(await getImage(reference, options), options),
  };
}

function getImage(reference: string, options: SourceOptions): Promise<IncomingMessage> {
  const socketPath = options.dockerSocket ?? DEFAULT_SOCKET;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const call = request(
    { socketPath, path: `/images/${encodeURIComponent(reference)}/get`, signal: options.signal },
    (response) => {
      if (response.statusCode === 200) resolve(response);
      else refusal(response, reference).then(reject, reject);
    },
  );
  call.on("error", (cause) =>
    reject(new CodedError("docker-unreachable", `the Docker Engine at ${socketPath} does not answer`, { cause })),
  );
  call.end();
  return promise;
}

async function refusal(response: IncomingMessage, reference: string): Promise<CodedError> {
  let text = "";
  for await (const chunk of response) if (text.length < MAX_ERROR_BYTES) text += String(chunk);
  const code = response.statusCode === 404 ? "target-not-found" : "docker-failed";
  return new CodedError(
    code,
    `${reference}: the Docker Engine says ${response.statusCode}: ${text.slice(0, 300).trim()}`,
  );
}
