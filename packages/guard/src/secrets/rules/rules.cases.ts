import { generateKeyPairSync } from "node:crypto";
import { base62Checksum } from "../proof.ts";

/** Text in a file and what is said of it. Positives are put together from pieces: hosting sites refuse pushes with whole ones. */
export interface RuleCase {
  readonly rule: string;
  readonly name: string;
  readonly text: string;
  /** Undefined: a near miss, nothing may be found. */
  readonly confidence?: "proven" | "likely";
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE62 = `0123456789${LETTERS}`;
const BASE64URL = `${BASE62}-_`;
const HEX = "0123456789abcdef";

/** `length` characters of `alphabet`, the same for the same `seed`. */
export function pick(alphabet: string, length: number, seed: number): string {
  let state = seed * 2_654_435_761;
  let text = "";
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 + index) | 0;
    text += alphabet[(state >>> 8) % alphabet.length];
  }
  return text;
}

/** A token that ends in the checksum of `body`. */
function summed(prefix: string, body: string): string {
  return `${prefix}${body}${base62Checksum(body)}`;
}

const githubBody = pick(BASE62, 30, 1);
const npmBody = pick(BASE62, 30, 2);
const awsId = `AKIA${pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, 3)}`;
const awsSecret = pick(`${BASE62}/+`, 40, 4);
const azureKey = Buffer.from(pick(BASE64URL, 64, 5), "latin1").toString("base64");
const apiTokenBody = `flt_${pick(HEX, 32, 6)}_${pick(BASE62, 43, 7)}`;
const provisioning = `flp_${pick(HEX, 32, 8)}.${Buffer.from(pick(BASE64URL, 32, 9), "latin1").toString("base64url")}`;
const macaroon = Buffer.concat([
  Buffer.from([2, 1, 8]),
  Buffer.from(["pypi", "org"].join(".")),
  Buffer.from([2, 36]),
  Buffer.from(pick(HEX, 80, 10)),
]).toString("base64url");
const jwtToken = [
  { alg: "HS256", typ: "JWT" },
  { sub: "1", name: "a" },
]
  .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
  .concat(pick(BASE64URL, 43, 11))
  .join(".");
const unsignedJwt = [{ alg: "none" }, { sub: "1", name: "a" }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
  .concat(pick(BASE64URL, 43, 12))
  .join(".");
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const sec1 = String(ec.privateKey.export({ type: "sec1", format: "pem" }));
const pkcs8 = String(ec.privateKey.export({ type: "pkcs8", format: "pem" }));
const ed25519 = String(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pkcs1 = String(rsa.privateKey.export({ type: "pkcs1", format: "pem" }));
const rsaPkcs8 = String(rsa.privateKey.export({ type: "pkcs8", format: "pem" }));
const lock = { cipher: "aes-256-cbc", passphrase: "x" };
const encrypted = String(ec.privateKey.export({ type: "pkcs8", format: "pem", ...lock }));
const oldEncrypted = String(rsa.privateKey.export({ type: "pkcs1", format: "pem", ...lock }));
const openssh = pem(
  "OPENSSH PRIVATE KEY",
  Buffer.concat([Buffer.from("openssh-key-v1\0\0\0\0\x04none"), Buffer.from(pick(HEX, 150, 13))]),
);

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").replace(/.{70}/g, "$&\n");
  return [`-----BEGIN ${label}-----`, lines, `-----END ${label}-----`].join("\n");
}

const serviceAccount = JSON.stringify(
  { type: "service_account", project_id: "p", private_key: rsaPkcs8, client_email: "a@b" },
  null,
  2,
);
const login = Buffer.from(`robot:${pick(BASE62, 20, 14)}`).toString("base64");

export const cases: readonly RuleCase[] = [
  {
    rule: "aws-access-key",
    name: "id and secret",
    text: `aws_access_key_id = ${awsId}\naws_secret_access_key = ${awsSecret}\n`,
    confidence: "proven",
  },
  {
    rule: "aws-access-key",
    name: "secret before id",
    text: `{"secretAccessKey":"${awsSecret}","accessKeyId":"${awsId}"}`,
    confidence: "proven",
  },
  { rule: "aws-access-key", name: "id alone", text: `key: ${awsId}\n`, confidence: "likely" },
  { rule: "aws-access-key", name: "id beside a hash", text: `${awsId} ${pick(HEX, 40, 15)}`, confidence: "likely" },
  {
    rule: "aws-access-key",
    name: "a pair whose id has digits that ids do not have",
    text: `${awsId.slice(0, -2)}18 ${awsSecret}`,
    confidence: "likely",
  },
  { rule: "aws-access-key", name: "such an id alone", text: `${awsId.slice(0, -2)}18` },
  { rule: "aws-access-key", name: "the id of the documentation", text: `AKIAIOSFODNN7${"EXAMPLE"} ${awsSecret}` },
  { rule: "aws-access-key", name: "inside a longer word", text: `X${awsId}` },
  { rule: "aws-access-key", name: "too long", text: `${awsId}A` },
  { rule: "aws-access-key", name: "in another case", text: awsId.toLowerCase() },
  {
    rule: "github-token",
    name: "with its checksum",
    text: `token=${summed("ghp_", githubBody)}`,
    confidence: "proven",
  },
  {
    rule: "github-token",
    name: "of an app, in a URL",
    text: `https://x:${summed("ghs_", githubBody)}@host/r.git`,
    confidence: "proven",
  },
  { rule: "github-token", name: "with a wrong checksum", text: `token=${`ghp_${githubBody}`}000000` },
  { rule: "github-token", name: "longer", text: `${summed("ghp_", githubBody)}a` },
  {
    rule: "github-fine-grained-token",
    name: "as it is",
    text: `${["github", "pat", pick(BASE62, 22, 16)].join("_")}_${pick(BASE62, 59, 17)}`,
    confidence: "proven",
  },
  {
    rule: "github-fine-grained-token",
    name: "of one letter",
    text: `${["github", "pat", "a".repeat(22)].join("_")}_${"a".repeat(59)}`,
  },
  {
    rule: "npm-token",
    name: "with its checksum",
    text: `//host/:_authToken=${summed("npm_", npmBody)}\n`,
    confidence: "proven",
  },
  { rule: "npm-token", name: "with a wrong checksum", text: `npm_${npmBody}zzzzzz` },
  {
    rule: "npm-token",
    name: "a variable's name",
    text: "npm_config_registry=https://example.com npm_package_name_is_quite_long_indeed_it_is=1",
  },
  {
    rule: "pypi-token",
    name: "a macaroon",
    text: `password = ${["pypi", macaroon].join("-")}\n`,
    confidence: "proven",
  },
  { rule: "pypi-token", name: "no macaroon", text: `${["pypi", "AgEx"].join("-")}${pick(BASE64URL, 80, 18)}` },
  {
    rule: "gitlab-token",
    name: "personal",
    text: `${["glpat", pick(BASE64URL, 20, 19)].join("-")}`,
    confidence: "likely",
  },
  { rule: "gitlab-token", name: "a placeholder", text: `glpat-${"x".repeat(20)}` },
  {
    rule: "slack-token",
    name: "of a bot",
    text: ["xoxb", "123456789012", "1234567890123", pick(BASE62, 24, 20)].join("-"),
    confidence: "likely",
  },
  {
    rule: "slack-token",
    name: "a placeholder",
    text: ["xoxb", "123456789012", "1234567890123", "your-token-goes-here-ok"].join("-"),
  },
  {
    rule: "slack-webhook",
    name: "as it is",
    text: `https://hooks.slack.com/${["services", "T0AB12CD3", "B0AB12CD3", pick(BASE62, 24, 21)].join("/")}`,
    confidence: "likely",
  },
  {
    rule: "slack-webhook",
    name: "a placeholder",
    text: `https://hooks.slack.com/${["services", "T00000000", "B00000000", "X".repeat(24)].join("/")}`,
  },
  {
    rule: "stripe-secret-key",
    name: "live",
    text: `${["sk", "live", pick(BASE62, 24, 22)].join("_")}`,
    confidence: "likely",
  },
  { rule: "stripe-secret-key", name: "for tests", text: `${["sk", "test", pick(BASE62, 24, 22)].join("_")}` },
  {
    rule: "google-api-key",
    name: "as it is",
    text: `key=${["AI", "za", pick(BASE64URL, 35, 23)].join("")}`,
    confidence: "likely",
  },
  { rule: "google-api-key", name: "too short", text: `key=${["AI", "za", pick(BASE64URL, 30, 23)].join("")} ` },
  {
    rule: "google-oauth-secret",
    name: "as it is",
    text: `${["GOCSPX", pick(BASE62, 28, 24)].join("-")}`,
    confidence: "likely",
  },
  { rule: "google-oauth-secret", name: "a placeholder", text: `GOCSPX-${"your-secret".padEnd(28, "-")}` },
  { rule: "gcp-service-account", name: "the document", text: serviceAccount, confidence: "proven" },
  { rule: "gcp-service-account", name: "without its key", text: serviceAccount.replace(/MII[^-]*/, "...") },
  {
    rule: "azure-storage-key",
    name: "a connection string",
    text: `DefaultEndpointsProtocol=https;AccountName=store;AccountKey=${azureKey};`,
    confidence: "proven",
  },
  { rule: "azure-storage-key", name: "the emulator's", text: `AccountName=devstoreaccount1;AccountKey=${azureKey};` },
  { rule: "azure-storage-key", name: "too short", text: `AccountName=store;AccountKey=${azureKey.slice(4)};` },
  {
    rule: "twilio-key",
    name: "beside its name",
    text: `TWILIO_API_KEY=${["S", "K", pick(HEX, 32, 25)].join("")}`,
    confidence: "likely",
  },
  { rule: "twilio-key", name: "without its name", text: `KEY=${["S", "K", pick(HEX, 32, 25)].join("")}` },
  {
    rule: "sendgrid-key",
    name: "as it is",
    text: `'${["SG", pick(BASE64URL, 22, 26), pick(BASE64URL, 43, 27)].join(".")}'`,
    confidence: "proven",
  },
  { rule: "sendgrid-key", name: "a member of an object", text: "MSG.abcdefghijklmnopqrstuv.SG.x.y" },
  {
    rule: "docker-config-auth",
    name: "a login",
    text: JSON.stringify({ auths: { "registry.example": { auth: login } } }),
    confidence: "proven",
  },
  {
    rule: "docker-config-auth",
    name: "no login",
    text: JSON.stringify({ auths: { "registry.example": { auth: pick(BASE62, 24, 28) } } }),
  },
  { rule: "docker-config-auth", name: "elsewhere", text: JSON.stringify({ auth: login }) },
  {
    rule: "openai-key",
    name: "of a project",
    text: `${["sk", "proj", pick(BASE62, 74, 29)].join("-")}${["T3Blbk", "FJ"].join("")}${pick(BASE62, 74, 30)}`,
    confidence: "proven",
  },
  { rule: "openai-key", name: "the marker alone", text: `${["T3Blbk", "FJ"].join("")}${pick(BASE62, 74, 30)}` },
  {
    rule: "anthropic-key",
    name: "as it is",
    text: `${["sk", "ant", "api03", pick(BASE64URL, 93, 31)].join("-")}AA`,
    confidence: "proven",
  },
  {
    rule: "anthropic-key",
    name: "with another end",
    text: `${["sk", "ant", "api03", pick(BASE64URL, 93, 31)].join("-")}zz`,
  },
  {
    rule: "telegram-bot-token",
    name: "as it is",
    text: `bot${""} ${["123456780", `AA${pick(BASE64URL, 33, 32)}`].join(":")}`,
    confidence: "likely",
  },
  { rule: "telegram-bot-token", name: "an address", text: "fe80::AAAA:1234:AA00:1 12345678:AAbb" },
  {
    rule: "hugging-face-token",
    name: "as it is",
    text: `${["hf", pick(LETTERS, 34, 33)].join("_")}`,
    confidence: "likely",
  },
  {
    rule: "hugging-face-token",
    name: "a variable's name",
    text: `hf_${"a".repeat(34)} hf_hub_download_with_a_long_name_indeed`,
  },
  {
    rule: "digitalocean-token",
    name: "as it is",
    text: `${["dop", "v1", pick(HEX, 64, 34)].join("_")}`,
    confidence: "likely",
  },
  { rule: "digitalocean-token", name: "too short", text: `${["dop", "v1", pick(HEX, 60, 34)].join("_")}` },
  {
    rule: "flotilla-api-token",
    name: "with its checksum",
    text: `FLOTILLA_TOKEN=${apiTokenBody}${base62Checksum(apiTokenBody)}\n`,
    confidence: "proven",
  },
  { rule: "flotilla-api-token", name: "with a wrong checksum", text: `${apiTokenBody}abcdef` },
  { rule: "flotilla-provisioning-token", name: "as it is", text: `--token ${provisioning}\n`, confidence: "proven" },
  {
    rule: "flotilla-provisioning-token",
    name: "pinned",
    text: `${provisioning}.${pick(HEX, 64, 35)}`,
    confidence: "proven",
  },
  { rule: "flotilla-provisioning-token", name: "too short", text: provisioning.slice(0, -3) },
  { rule: "private-key", name: "SEC 1", text: sec1, confidence: "proven" },
  { rule: "private-key", name: "PKCS #8", text: pkcs8, confidence: "proven" },
  { rule: "private-key", name: "Ed25519, the shortest", text: ed25519, confidence: "proven" },
  {
    rule: "private-key",
    name: "PKCS #1, Windows line ends",
    text: pkcs1.replaceAll("\n", "\r\n"),
    confidence: "proven",
  },
  {
    rule: "private-key",
    name: "in an environment file",
    text: `KEY="${pkcs1.replaceAll("\n", "\\n")}"`,
    confidence: "proven",
  },
  { rule: "private-key", name: "of OpenSSH", text: openssh, confidence: "proven" },
  { rule: "private-key", name: "under a passphrase", text: encrypted, confidence: "likely" },
  { rule: "private-key", name: "under a passphrase, the old way", text: oldEncrypted, confidence: "likely" },
  { rule: "private-key", name: "cut short", text: pkcs1.slice(0, 600) },
  {
    rule: "private-key",
    name: "with a line missing",
    text: pkcs1
      .split("\n")
      .filter((_, index) => index !== 5)
      .join("\n"),
  },
  {
    rule: "private-key",
    name: "an example",
    text: `-----BEGIN ${"RSA"} PRIVATE KEY-----\n${"MIIEpAIBAAKCAQEA0".repeat(6)}\n...\n-----END RSA PRIVATE KEY-----`,
  },
  { rule: "private-key", name: "a public key", text: String(ec.publicKey.export({ type: "spki", format: "pem" })) },
  { rule: "jwt", name: "signed", text: `Authorization: Bearer ${jwtToken}`, confidence: "likely" },
  { rule: "jwt", name: "unsigned", text: unsignedJwt },
  { rule: "jwt", name: "no JSON", text: `eyJ${"x".repeat(20)}.eyJ${"y".repeat(20)}.${pick(BASE64URL, 43, 36)}` },
];
