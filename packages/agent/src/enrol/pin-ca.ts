import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import { deadlineSignal } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { ProxySettings } from "@flotilla/oci/http/proxy";
import { certificatesIn, createTransport } from "../link/transport.ts";
import { readBody } from "./read-body.ts";

const FETCH_DEADLINE_MS = 30_000;

/**
 * The server's CA certificate, fetched from a server that nobody vouches for yet and believed because its SHA-256 is the one that the
 * provisioning token carries. Nothing else is asked or sent before that.
 */
export async function fetchPinnedCa(server: URL, fingerprint: string, proxy: ProxySettings): Promise<string> {
  const transport = createTransport({ trust: { kind: "unchecked" }, proxy });
  const response = await transport.send({
    method: "GET",
    url: new URL("/api/v1/server/ca.pem", server),
    headers: {},
    signal: deadlineSignal(FETCH_DEADLINE_MS),
  });
  const pem = (await readBody(response.body)).toString("utf8");
  if (response.status !== 200)
    throw new CodedError(
      "ca-unavailable",
      `${server.host} answered ${response.status} when asked for its CA certificate`,
    );
  const wanted = Buffer.from(fingerprint, "hex");
  for (const certificate of certificatesIn(pem)) {
    const found = createHash("sha256").update(new X509Certificate(certificate).raw).digest();
    if (wanted.length === found.length && timingSafeEqual(found, wanted)) return `${certificate}\n`;
  }
  throw new CodedError(
    "ca-mismatch",
    `${server.host} shows another CA certificate than the provisioning token names: this is not the server that made the token, or somebody is in between`,
  );
}
