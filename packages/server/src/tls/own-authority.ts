import "reflect-metadata";
import { createHash, X509Certificate as NodeCertificate, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { writeSecretFile } from "../store/server-key.ts";
import type { KeyPair } from "./server-tls.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
/** Devices pin the authority, so it outlives them. */
const AUTHORITY_DAYS = 20 * 365;
/** Browsers and Apple's systems refuse server certificates of more than 825 days; short ones hurt less when they leak. */
export const LEAF_DAYS = 90;
/** A device whose clock runs behind must not find a certificate of the future. */
const BACKDATE_MS = 2 * DAY_MS;

/** The server's own certificate authority. */
export interface OwnAuthority {
  readonly pem: string;
  /** SHA-256 of its certificate (DER), hex: what provisioning tokens carry and devices pin. */
  readonly fingerprint: string;
  /** A certificate for these names and addresses, with a new key and the authority behind it in the chain. */
  issue(names: readonly string[], nowMs: number): Promise<KeyPair>;
}

/** Reads the authority of the data folder, or makes it (its key in a file of mode 0600). */
export async function openOwnAuthority(dataDir: string, nowMs: number): Promise<OwnAuthority> {
  const folder = join(dataDir, "tls");
  const [keyPath, certPath] = [join(folder, "ca.key"), join(folder, "ca.pem")];
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(certPath)) await createAuthority({ keyPath, certPath, nowMs });
  const certificate = new X509Certificate(readFileSync(certPath, "utf8"));
  const key = await crypto.subtle.importKey(
    "pkcs8",
    PemConverter.decodeFirst(readFileSync(keyPath, "utf8")),
    ALGORITHM,
    false,
    ["sign"],
  );
  const pem = `${certificate.toString("pem")}\n`;
  const fingerprint = createHash("sha256").update(new NodeCertificate(pem).raw).digest("hex");
  return { pem, fingerprint, issue: (names, now) => issue({ certificate, key, pem }, names, now) };
}

async function createAuthority(options: {
  readonly keyPath: string;
  readonly certPath: string;
  readonly nowMs: number;
}): Promise<void> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=Flotilla authority ${randomBytes(4).toString("hex")}`,
    notBefore: new Date(options.nowMs - BACKDATE_MS),
    notAfter: new Date(options.nowMs + AUTHORITY_DAYS * DAY_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  // The key first: a certificate says that there is a key.
  if (!existsSync(options.keyPath)) writeSecretFile(options.keyPath, await exportKey(keys.privateKey));
  else throw new Error(`${options.keyPath} has no certificate beside it; move it away to make a new authority`);
  writeSecretFile(options.certPath, `${certificate.toString("pem")}\n`);
}

async function issue(
  authority: { readonly certificate: X509Certificate; readonly key: CryptoKey; readonly pem: string },
  names: readonly string[],
  nowMs: number,
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: "CN=Flotilla server",
    issuer: authority.certificate.subject,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + LEAF_DAYS * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? "dns" : "ip", value: name })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority.certificate),
    ],
  });
  return { key: await exportKey(keys.privateKey), cert: `${leaf.toString("pem")}\n${authority.pem}` };
}

async function exportKey(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** A positive number of 127 random bits (RFC 5280 §4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
