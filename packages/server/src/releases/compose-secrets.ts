import type { Digest } from "@flotilla/base/digest";
import type { NormalisedApp } from "@flotilla/compose/app";
import { mapStrings } from "@flotilla/compose/strings";
import { plainText } from "@flotilla/compose/template";
import type { Inventory, SecretHit } from "@flotilla/guard/model";
import { isPlaceholder } from "@flotilla/guard/secrets/proof";
import { createSecretReader } from "@flotilla/guard/secrets/reader";
import { sha256 } from "@flotilla/oci/hash";

/** What the application itself is called where images are named. */
export const COMPOSE_NAME = "compose.yaml";
/** Rule of values that only their name gives away. */
export const NAMED_SECRET_RULE = "secret-by-name";
/** What a person is told to do about a secret in the application. */
export const WAY_OUT =
  "give it as a secret (secrets:) or name it under x-flotilla: variables:, so that each device gets it from its variables and no release holds it; and revoke this one";

const SECRET_NAME = /(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/i;
const NO_SECRET = /^(?:|true|false|yes|no|none|null|\d{1,5}|\/.*)$/i;

/** Reads a file that a config mounts. */
export type ReadFile = (digest: Digest) => AsyncIterable<Uint8Array>;

/**
 * Values that look like secrets and are fixed in the application: in environments, labels, commands, hooks, checks, the content of configs
 * and the files that they mount. What each device fills in is none. The location is `compose.yaml: services.web.environment.TOKEN`.
 */
export async function composeSecrets(app: NormalisedApp, read: ReadFile): Promise<Inventory> {
  const secrets: SecretHit[] = [];
  const problems: Inventory["problems"][number][] = [];
  const { services, configs, networks, volumes } = app;
  mapStrings({ services, configs, networks, volumes }, (template, field) => {
    secrets.push(...secretsIn(template, field));
    return template;
  });
  for (const [name, config] of Object.entries(configs)) {
    if (config.kind !== "file") continue;
    const path = placeOf(`configs.${name}`);
    const found = await readFile(path, config.sizeBytes, read(config.digest));
    secrets.push(...found.hits);
    problems.push(...found.problems.map((reason) => ({ path, reason })));
  }
  return { packages: [], secrets, problems };
}

function secretsIn(template: string, field: string): readonly SecretHit[] {
  const text = plainText(template) ?? template;
  const name = field.split(".").at(-1) ?? "";
  // The name stands before its value, as rules that ask for it expect.
  const bytes = Buffer.from(`${name}=${text}\n`);
  const reader = createSecretReader(placeOf(field), bytes.length);
  reader.write(bytes, 0);
  const hits = reader.result().hits.map((hit) => ({ ...hit, location: { path: placeOf(field) } }));
  return hits.length > 0 ? hits : secretByName(name, field, template);
}

/** `DB_PASSWORD: hunter2`: nothing in the value says what it is, but its name does. */
function secretByName(name: string, field: string, template: string): readonly SecretHit[] {
  const value = plainText(template);
  const isFixed = value !== undefined && !NO_SECRET.test(value.trim()) && !isPlaceholder(value);
  if (!isFixed || !field.includes(".environment.") || !SECRET_NAME.test(name)) return [];
  return [
    {
      rule: NAMED_SECRET_RULE,
      title: `The value of ${name}`,
      confidence: "likely",
      severity: "medium",
      sample: `(${value.length} characters)`,
      fingerprint: sha256(value),
      location: { path: placeOf(field) },
    },
  ];
}

async function readFile(path: string, sizeBytes: number, bytes: AsyncIterable<Uint8Array>) {
  const reader = createSecretReader(path, sizeBytes);
  let at = 0;
  for await (const chunk of bytes) {
    reader.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), at);
    at += chunk.length;
  }
  return reader.result();
}

function placeOf(field: string): string {
  return `${COMPOSE_NAME}: ${field}`;
}
