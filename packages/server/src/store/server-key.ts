import { hkdfSync, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const KEY_BYTES = 32;

/** The server's secret beside its database: what is derived from it is lost when it is, and a copy of the database alone opens nothing. */
export interface ServerKey {
  /** 32 bytes for one purpose (`device-tokens`, `variables`, …), always the same for the same name (HKDF-SHA-256, RFC 5869). */
  derive(purpose: string): Buffer;
}

/** Reads `keys/server.key` of the data folder, or makes it (mode 0600). */
export function openServerKey(dataDir: string): ServerKey {
  const folder = join(dataDir, "keys");
  const path = join(folder, "server.key");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path)) writeSecretFile(path, randomBytes(KEY_BYTES));
  const key = readFileSync(path);
  if (key.length !== KEY_BYTES) throw new Error(`${path} is damaged: it has ${key.length} bytes, not ${KEY_BYTES}`);
  return {
    derive: (purpose) => Buffer.from(hkdfSync("sha256", key, new Uint8Array(), `flotilla ${purpose}`, KEY_BYTES)),
  };
}

/** Writes a new file that only its owner can read, on the disk before this returns; refuses to replace one. */
export function writeSecretFile(path: string, content: string | Uint8Array): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, typeof content === "string" ? Buffer.from(content) : content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
