/** A private key and its certificate chain, PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** What the server shows to those who connect. */
export interface ServerTls {
  current(): KeyPair;
  /** Calls `use` with each new pair; returns the function that ends it. */
  onRenewal(use: (pair: KeyPair) => void): () => void;
  /** SHA-256 of the server's own certificate authority (DER), hex; undefined when the certificate was given. */
  readonly caFingerprint: string | undefined;
  /** PEM of that authority. */
  readonly caPem: string | undefined;
}
