import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "@flotilla/base/canonical-json";
import { type Envelope, preAuthEncoding } from "@flotilla/protocol/dsse";
import { writeSecretFile } from "./server-key.ts";

/** An Ed25519 key of this server that signs documents of one kind. */
export interface SigningKey {
  /** SPKI DER, base64. */
  readonly publicKey: string;
  /** SHA-256 of the SPKI DER, hex. */
  readonly keyid: string;
  /** A DSSE envelope around the canonical JSON of `document`. */
  sign(document: object): Envelope;
}

/** Reads the key in `keys/<name>.pem` of the data folder, or makes it (mode 0600). It signs payloads of `payloadType` alone. */
export function openSigningKey(dataDir: string, name: string, payloadType: string): SigningKey {
  const folder = join(dataDir, "keys");
  const path = join(folder, `${name}.pem`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writeSecretFile(path, privateKey.export({ type: "pkcs8", format: "pem" }));
  }
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`${path} does not hold an Ed25519 key`);
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const keyid = createHash("sha256").update(spki).digest("hex");
  return {
    publicKey: spki.toString("base64"),
    keyid,
    sign(document) {
      const payload = Buffer.from(canonicalJson(document));
      const sig = sign(null, preAuthEncoding(payloadType, payload), key).toString("base64");
      return { payloadType, payload: payload.toString("base64"), signatures: [{ keyid, sig }] };
    },
  };
}
