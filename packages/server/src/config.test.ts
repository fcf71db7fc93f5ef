import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DEFAULT_SETTINGS, loadSettings, readEnvironment, type Settings } from "./config.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(content: string): string {
  const path = join(folder, "flotilla.yaml");
  writeFileSync(path, content);
  return path;
}

test("without any option, loopback in clear", () => {
  assert.deepEqual(loadSettings({}, {}), DEFAULT_SETTINGS);
});

const GOOD: readonly { readonly flags: Record<string, string>; readonly settings: Partial<Settings> }[] = [
  { flags: { listen: ":8443" }, settings: { listen: { host: "0.0.0.0", port: 8443 }, tls: { kind: "own-authority" } } },
  { flags: { listen: "[::1]:1" }, settings: { listen: { host: "::1", port: 1 }, tls: { kind: "clear" } } },
  { flags: { listen: "localhost:0" }, settings: { listen: { host: "localhost", port: 0 }, tls: { kind: "clear" } } },
  { flags: { tls: "own-authority" }, settings: { tls: { kind: "own-authority" } } },
  {
    flags: { "tls-cert": "c", "tls-key": "k" },
    settings: { tls: { kind: "given", certFile: "c", keyFile: "k" } },
  },
  { flags: { "public-url": "https://fleet.example/" }, settings: { publicUrl: "https://fleet.example" } },
  { flags: { "requests-per-minute": "7" }, settings: { requestsPerMinute: 7 } },
  { flags: { "trusted-proxies": "10.0.0.0/8, ::1" }, settings: { trustedProxies: ["10.0.0.0/8", "::1"] } },
  {
    flags: { mirrors: '[{"name":"hub","url":"https://a.example"}]' },
    settings: { mirrors: [{ name: "hub", url: "https://a.example" }] },
  },
];

for (const { flags, settings } of GOOD)
  test(`reads ${JSON.stringify(flags)}`, () => {
    const read = loadSettings(flags, {});
    for (const [name, value] of Object.entries(settings)) assert.deepEqual(read[name as keyof Settings], value);
  });

const BAD: readonly { readonly flags: Record<string, string>; readonly says: RegExp }[] = [
  { flags: { listen: "8080" }, says: /^listen: "8080" is not HOST:PORT/ },
  { flags: { listen: "127.0.0.1:99999" }, says: /^listen/ },
  { flags: { "public-url": "https://fleet.example/path" }, says: /^public-url/ },
  { flags: { "public-url": "fleet.example" }, says: /^public-url/ },
  { flags: { "tls-cert": "c" }, says: /^tls-cert: goes together with tls-key/ },
  { flags: { tls: "none" }, says: /^tls: .*command line/ },
  { flags: { "requests-per-minute": "many" }, says: /^requests-per-minute/ },
  { flags: { data: "" }, says: /^data/ },
  { flags: { mirrors: "hub" }, says: /^mirrors: / },
  { flags: { mirrors: '[{"name":"Hub","url":"https://a.example"}]' }, says: /^mirrors\/0\/name/ },
  { flags: { mirrors: '[{"name":"hub","url":"http://a.example"}]' }, says: /^mirrors: .* must begin with https/ },
  {
    flags: { mirrors: '[{"name":"hub","url":"https://a.example"},{"name":"hub","url":"https://b.example"}]' },
    says: /^mirrors: two mirrors are named hub/,
  },
];

for (const { flags, says } of BAD)
  test(`refuses ${JSON.stringify(flags)}`, () => {
    assert.throws(() => loadSettings(flags, {}), { code: "invalid-configuration", message: says });
  });

test("the command line wins over the environment, the environment over the file", () => {
  const config = file("data: from-file\nlisten: 127.0.0.1:1\nlog-level: warn\n");
  const environment = readEnvironment({
    FLOTILLA_DATA: "from-env",
    FLOTILLA_LISTEN: "127.0.0.1:2",
    FLOTILLA_CONFIG: config,
  });
  const settings = loadSettings({ listen: "127.0.0.1:3" }, environment);
  assert.deepEqual([settings.logLevel, settings.dataDir, settings.listen.port], ["warn", "from-env", 3]);
});

test("every option is an environment variable", () => {
  const read = readEnvironment({
    FLOTILLA_PUBLIC_URL: "u",
    FLOTILLA_OWNER_TOKEN_FILE: "f",
    FLOTILLA_TOKEN: "not ours",
  });
  assert.deepEqual(read, { "public-url": "u", "owner-token-file": "f" });
});

const FILES: readonly { readonly content: string; readonly says: RegExp }[] = [
  { content: "datta: x\n", says: /^datta: is not an option \(in .*flotilla\.yaml\); options are data, listen/ },
  { content: "data: [1]\n", says: /^data: / },
  { content: "data: a\ndata: b\n", says: /unique/i },
  { content: "data: 'a\n", says: /flotilla\.yaml/ },
  { content: "- a\n", says: /not an option|object/ },
];

for (const { content, says } of FILES)
  test(`refuses the file ${JSON.stringify(content)}`, () => {
    assert.throws(() => loadSettings({ config: file(content) }, {}), { code: "invalid-configuration", message: says });
  });

test("reads a file of JSON, and says which file it cannot read", () => {
  assert.equal(loadSettings({ config: file('{"data": "x", "requests-per-minute": 5}') }, {}).requestsPerMinute, 5);
  assert.throws(() => loadSettings({ config: "/nowhere.yaml" }, {}), {
    code: "invalid-configuration",
    message: /nowhere/,
  });
});
