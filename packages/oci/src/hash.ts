import { createHash, type Hash } from "node:crypto";
import { asDigest, type Digest } from "@flotilla/base/digest";

/** A running hash that ends in a digest. */
export interface Digester {
  update(chunk: Uint8Array): void;
  /** Ends the hash; call once. */
  digest(): Digest;
  /** A second digester that has seen the same bytes. */
  fork(): Digester;
}

/** SHA-256 of `bytes`; text is taken as UTF-8. */
export function sha256(bytes: Uint8Array | string): Digest {
  return asDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** A running hash of one of the registered algorithms. */
export function createDigester(algorithm: "sha256" | "sha512" = "sha256"): Digester {
  return digesterOf(algorithm, createHash(algorithm));
}

function digesterOf(algorithm: "sha256" | "sha512", hash: Hash): Digester {
  return {
    update(chunk) {
      hash.update(chunk);
    },
    digest: () => asDigest(`${algorithm}:${hash.digest("hex")}`),
    fork: () => digesterOf(algorithm, hash.copy()),
  };
}
