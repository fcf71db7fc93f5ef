import { type Static, Type } from "typebox";

/** A DSSE envelope (secure-systems-lab/dsse v1.0.2, envelope.md): payload in base64, Ed25519 signatures over its PAE. */
export const Envelope = Type.Object({
  payloadType: Type.String({ maxLength: 200 }),
  payload: Type.String({ maxLength: 8 * 1024 * 1024 }),
  signatures: Type.Array(
    Type.Object({ keyid: Type.String({ maxLength: 200 }), sig: Type.String({ maxLength: 200 }) }),
    { minItems: 1, maxItems: 8 },
  ),
});
export type Envelope = Static<typeof Envelope>;

/** Payload type of {@link TargetDocument}s. */
export const TARGET_PAYLOAD_TYPE = "application/vnd.flotilla.target.v1+json";

/** The bytes that are signed: `DSSEv1 SP len(type) SP type SP len(body) SP body`. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const type = new TextEncoder().encode(payloadType);
  const head = new TextEncoder().encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  const result = new Uint8Array(head.length + payload.length);
  result.set(head);
  result.set(payload, head.length);
  return result;
}
