import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const VERSION = "v1";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps secrets unreadable where they are stored. */
export interface Sealer {
  /** `context` names the place of the value (project, scope, name): sealed text that was moved to another place does not open. */
  seal(text: string, context: string): string;
  /** Throws when the text was altered, moved, or sealed with another server's key. */
  open(sealed: string, context: string): string;
}

/**
 * Envelope encryption: every value has its own AES-256-GCM key, which is sealed with `key`. The form is `v1.<sealed key>.<sealed value>`, base64url
 * of nonce, tag and cipher text; to change `key`, only the sealed keys are written anew.
 */
export function createSealer(key: Uint8Array): Sealer {
  if (key.length !== KEY_BYTES) throw new TypeError(`a sealing key has ${KEY_BYTES} bytes`);
  return {
    seal(text, context) {
      const valueKey = randomBytes(KEY_BYTES);
      const value = encrypt(valueKey, Buffer.from(text), context);
      return [VERSION, encrypt(key, valueKey, `key of ${context}`), value].join(".");
    },
    open(sealed, context) {
      const [version, sealedKey = "", value = ""] = sealed.split(".");
      if (version !== VERSION) throw new Error("sealed value of an unknown version");
      return decrypt(decrypt(key, sealedKey, `key of ${context}`), value, context).toString();
    },
  };
}

function encrypt(key: Uint8Array, plain: Uint8Array, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url");
}

function decrypt(key: Uint8Array, text: string, context: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error("sealed value is cut short");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
}
