import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { CodedError } from "@flotilla/base/errors";
import { isAbsent, replaceFile } from "../blobs/durable.ts";

/** The device's own key: made on the device, never leaves it. */
export interface DeviceKey {
  /** SPKI DER, base64. */
  readonly publicKey: string;
  /** Ed25519 over the bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** Reads the key at `path`; undefined when there is none. Throws `key-damaged`, and `key-exposed` when others may read it. */
export async function readDeviceKey(path: string): Promise<DeviceKey | undefined> {
  let pem: string;
  try {
    pem = await readFile(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  if (((await stat(path)).mode & 0o077) !== 0)
    throw new CodedError("key-exposed", `${path} can be read by others; run: chmod 600 ${path}`);
  try {
    return keyOf(createPrivateKey(pem));
  } catch (cause) {
    throw new CodedError("key-damaged", `${path} holds no private key; remove it and enrol again`, { cause });
  }
}

/** The key at `path`, made and put on the disk (mode 0600) when there is none. */
export async function ensureDeviceKey(path: string): Promise<DeviceKey> {
  const known = await readDeviceKey(path);
  if (known !== undefined) return known;
  const { privateKey } = generateKeyPairSync("ed25519");
  await replaceFile(path, privateKey.export({ type: "pkcs8", format: "pem" }), 0o600);
  return keyOf(privateKey);
}

function keyOf(privateKey: KeyObject): DeviceKey {
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" }).toString("base64");
  return { publicKey, sign: (bytes) => sign(null, bytes, privateKey) };
}
