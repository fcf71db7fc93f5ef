import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { CodedError } from "@flotilla/base/errors";
import { Semaphore } from "@flotilla/base/semaphore";

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. Recorded in each hash, so that they can grow. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Hashing at one time, and waiting for it: a flood of sign-ins must not take the machine's memory. */
const MAX_CONCURRENT = 2;
const MAX_WAITING = 50;

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;
const derive = promisify(argon2);

/** Hashes and checks passwords with argon2id (RFC 9106), stored in the PHC string format. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** With `undefined` (nobody by that name) it takes as long and says no. Throws `unavailable` when too many wait. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

export function createPasswords(): Passwords {
  const slots = new Semaphore(MAX_CONCURRENT);
  let waiting = 0;
  const run = async (parameters: Argon2Parameters): Promise<Buffer> => {
    if (waiting >= MAX_WAITING) throw new CodedError("unavailable", "too many sign-ins at once; try again in a moment");
    waiting++;
    try {
      return await slots.run(() => derive("argon2id", parameters));
    } finally {
      waiting--;
    }
  };
  const withDefaults = (password: string, salt: Buffer) =>
    run({
      message: password,
      nonce: salt,
      memory: MEMORY_KIB,
      passes: PASSES,
      parallelism: LANES,
      tagLength: HASH_BYTES,
    });
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(salt)}$${unpadded(await withDefaults(password, salt))}`;
    },
    async verify(password, hash) {
      const [, memory, passes, parallelism, salt = "", stored = ""] = PHC.exec(hash ?? "") ?? [];
      if (memory === undefined) {
        await withDefaults(password, randomBytes(SALT_BYTES));
        return false;
      }
      const wanted = Buffer.from(stored, "base64");
      const given = await run({
        message: password,
        nonce: Buffer.from(salt, "base64"),
        memory: Number(memory),
        passes: Number(passes),
        parallelism: Number(parallelism),
        tagLength: wanted.length,
      });
      return timingSafeEqual(given, wanted);
    },
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
