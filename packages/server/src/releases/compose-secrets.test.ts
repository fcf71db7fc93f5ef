// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parseCompose } from "@flotilla/compose/parse";
import { composeSecrets } from "./compose-secrets.ts";
import { compose } from "./release.fixture.ts";

async function secretsOf(text: string, files: Readonly<Record<string, string>> = {}) {
  const result = await compose(text, files);
  assert.ok(result.app !== undefined, JSON.stringify(result.problems));
  const { secrets } = await composeSecrets(result.app, async function* (digest) {
    const file = result.files.find((one) => one.digest === digest);
    if (file !== undefined) yield file.bytes;
  });
  return secrets.map(({ rule, location }) => `${rule} ${location.path}`);
}

const KEY = ["-----BEGIN RSA", "PRIVATE KEY-----"].join(" ");
const web = (fields: string, top = "") => `name: shop\nservices: { web: { image: web:1, ${fields} } }\n${top}`;
const FOUND: readonly (readonly [what: string, text: string, expected: readonly string[]])[] = [
  [
    "a password by its name",
    web("environment: { DB_PASSWORD: hunter2 }"),
    ["secret-by-name compose.yaml: services.web.environment.DB_PASSWORD"],
  ],
  [
    "one of a hook",
    web("post_start: [{ command: x, environment: { API_KEY: k3y-of-mine } }]"),
    ["secret-by-name compose.yaml: services.web.postStart[0].environment.API_KEY"],
  ],
  [
    "none that the device fills",
    web("environment: { DB_PASSWORD: , API_TOKEN: 'x-${SITE}' }", "x-flotilla: { variables: [SITE] }"),
    [],
  ],
  [
    "no file, switch, number or placeholder",
    web(
      "environment: { A_SECRET: /run/secrets/a, B_TOKEN: 'false', C_KEY: x, D_TOKEN: '300', E_PASSWORD: changeme, F_PASSWORD: '' }",
    ),
    [],
  ],
  [
    "nothing in plain settings",
    web("environment: { MODE: fast, TOKEN_LIFETIME: 5m }, command: serve, labels: { team: shop }"),
    [],
  ],
];
for (const [what, text, expected] of FOUND)
  test(`finds ${what}`, async () => assert.deepEqual(await secretsOf(text), expected));

test("finds a private key in a config's content and in a file that a config mounts", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ format: "pem", type: "pkcs1" }).toString();
  assert.ok(pem.startsWith(KEY));
  const text = web("configs: [a, b]", `configs: { a: { content: ${JSON.stringify(pem)} }, b: { file: b.pem } }`);
  const found = await secretsOf(text, { "b.pem": pem });
  assert.deepEqual(
    found.map((line) => line.replace(/^\S+ /, "")),
    ["compose.yaml: configs.a.content", "compose.yaml: configs.b"],
  );
});

test("a value from the environment of release create is found like one that is written out", async () => {
  const files = [{ path: "compose.yaml", text: web('environment: { DB_PASSWORD: "${PW}" }') }];
  const { app } = await parseCompose({ files, env: { PW: "of$this-machine" }, read: async () => undefined });
  const { secrets } = await composeSecrets(app!, async function* () {});
  assert.deepEqual(
    secrets.map(({ sample }) => sample),
    ["(15 characters)"],
  );
  assert.ok(!JSON.stringify(secrets).includes("this-machine"));
});
