/**
 * A provisioning token as people carry it: `flp_<id>.<secret>` and, when the server has a CA of its own, `.<SHA-256 of the CA
 * certificate's DER, hex>`, which the device pins before it says anything else.
 */
export interface ProvisioningTokenParts {
  /** UUID without dashes. */
  readonly id: string;
  /** 32 random bytes, base64url. */
  readonly secret: string;
  readonly caFingerprint?: string;
}

const PATTERN = /^flp_([a-f0-9]{32})\.([A-Za-z0-9_-]{43})(?:\.([a-f0-9]{64}))?$/;

/** The parts of a token, or undefined when `text` is none. */
export function parseProvisioningToken(text: string): ProvisioningTokenParts | undefined {
  const [, id, secret, caFingerprint] = PATTERN.exec(text) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  return { id, secret, ...(caFingerprint === undefined ? {} : { caFingerprint }) };
}

/** The inverse of {@link parseProvisioningToken}. */
export function formatProvisioningToken({ id, secret, caFingerprint }: ProvisioningTokenParts): string {
  return `flp_${id}.${secret}${caFingerprint === undefined ? "" : `.${caFingerprint}`}`;
}

/** The bytes a device signs with its key when it enrols; `publicKey` as in the request. */
export function enrolBytes(token: string, publicKey: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`flotilla-enrol-v1\n${token}\n${publicKey}`);
}
