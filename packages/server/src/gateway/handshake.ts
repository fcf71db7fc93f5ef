import type { Hello } from "@flotilla/protocol/device";
import { helloBytes } from "@flotilla/protocol/device";
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "@flotilla/protocol/version";
import { isSignedBy, parseDeviceKey } from "../devices/keys.ts";
import type { Database } from "../store/database.ts";
import type { Refused } from "./wire.ts";

/** A device that has proved itself. */
export interface Proven {
  readonly project: string;
  readonly device: string;
  readonly name: string;
  readonly bootId: string;
  readonly instanceId: string;
  /** What its reports' sequence numbers count within. */
  readonly epoch: string;
  /** Whether the last report that is stored is of another start. */
  readonly fullReport: boolean;
  readonly heldVersion: number;
}

export type HelloResult =
  | { readonly kind: "proven"; readonly proven: Proven }
  | { readonly kind: "refused"; readonly refused: Refused };

/** Checks protocol number, device and signature of a hello against the nonce of this connection. */
export async function checkHello(database: Database, nonce: string, hello: Hello): Promise<HelloResult> {
  if (hello.protocol < OLDEST_PROTOCOL_VERSION || hello.protocol > PROTOCOL_VERSION)
    return no(
      "protocol-unsupported",
      `this server speaks ${OLDEST_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}`,
      "protocol",
    );
  const row = await database.read
    .selectFrom("devices")
    .select(["project", "id", "name", "public_key", "revoked_at", "report_epoch"])
    .where("id", "=", hello.device)
    .executeTakeFirst();
  if (row === undefined) return no("device-unknown", "no such device is enrolled here", "refused");
  // The signature first: only the holder of the key may learn that it was revoked.
  if (!isSignedBy(parseDeviceKey(row.public_key).key, helloBytes(nonce, hello), hello.signature))
    return no("proof-invalid", "the signature is not of this device's key over this connection's nonce", "refused");
  if (row.revoked_at !== null) return no("device-revoked", "the device was revoked", "revoked");
  const epoch = `${hello.bootId}/${hello.instanceId}`;
  return {
    kind: "proven",
    proven: {
      project: row.project,
      device: row.id,
      name: row.name,
      bootId: hello.bootId,
      instanceId: hello.instanceId,
      epoch,
      fullReport: row.report_epoch !== epoch,
      heldVersion: hello.targetVersion,
    },
  };
}

function no(code: string, message: string, close: Refused["close"]): HelloResult {
  return { kind: "refused", refused: { code, message, close } };
}
