import assert from "node:assert/strict";
import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { enrolBytes, formatProvisioningToken } from "@flotilla/protocol/provisioning-token";
import { readConfig, readEnvironment } from "../config.ts";
import { createTestCertificates } from "../link/certificates.fixture.ts";
import { enrol } from "./enrol.ts";

const certificates = await createTestCertificates();
const CA = certificates.ca;
const FINGERPRINT = createHash("sha256").update(new X509Certificate(CA).raw).digest("hex");
const FACTS = {
  ...{ hostname: "press", os: "Debian", kernel: "6.1", architecture: "amd64", cpus: 2, memoryBytes: 1, diskBytes: 1 },
  ...{ engineVersion: "20.10", engineApi: "1.41", imageStore: "overlay2", agentVersion: "0.1.0", timeZone: "UTC" },
};
const token = (caFingerprint?: string) =>
  formatProvisioningToken({
    id: "0".repeat(32),
    secret: "s".repeat(43),
    ...(caFingerprint === undefined ? {} : { caFingerprint }),
  });

describe("enrol", () => {
  let folder = "";
  let server: Server;
  let url = "";
  let asked: { path: string; body: Record<string, unknown> }[] = [];
  let answer: { status: number; body: unknown };

  before(async () => {
    server = createServer(certificates.tls, handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async (context) => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-enrol-"));
    asked = [];
    answer = { status: 201, body: { device: "d-1", project: "default", name: "press", targetKey: "a2V5" } };
    if ("after" in context) context.after(() => rm(folder, { recursive: true }));
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    asked.push({ path: request.url ?? "", body: text === "" ? {} : JSON.parse(text) });
    if (request.url === "/api/v1/server/ca.pem") response.end(CA);
    else response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
  }

  const run = (more: Partial<Parameters<typeof enrol>[0]> = {}) =>
    enrol({
      server: url,
      token: token(FINGERPRINT),
      configPath: join(folder, "etc", "agent.json"),
      stateDir: join(folder, "state"),
      engine: "unix:///var/run/docker.sock",
      environment: readEnvironment({}),
      facts: async () => FACTS,
      ...more,
    });

  it("makes a key, pins the CA that the token names, proves the key and writes the configuration", async () => {
    const { kind, config } = await run({ name: "press-7" });
    assert.equal(kind, "enrolled");
    assert.deepEqual(
      asked.map(({ path }) => path),
      ["/api/v1/server/ca.pem", "/api/v1/device/enrol"],
    );
    const { publicKey, proof, name, facts } = asked[1]!.body as Record<string, string>;
    const key = createPublicKey({ key: Buffer.from(publicKey!, "base64"), format: "der", type: "spki" });
    assert.ok(verify(null, enrolBytes(token(FINGERPRINT), publicKey!), key, Buffer.from(proof!, "base64")));
    assert.equal(name, "press-7");
    assert.deepEqual(facts, FACTS);
    assert.equal(config.pinnedCa?.trim(), CA.trim());
    assert.deepEqual(await readConfig(join(folder, "etc", "agent.json")), config);
    for (const path of ["etc/agent.json", "state/device.key"])
      assert.equal((await stat(join(folder, path))).mode & 0o777, 0o600, path);
  });

  it("says nothing to a server whose CA is another", async () => {
    await assert.rejects(run({ token: token("0".repeat(64)) }), { code: "ca-mismatch" });
    assert.deepEqual(
      asked.map(({ path }) => path),
      ["/api/v1/server/ca.pem"],
    );
    assert.equal(await readConfig(join(folder, "etc", "agent.json")), undefined);
  });

  it("does not believe an unknown authority when the token names none", async () => {
    await assert.rejects(run({ token: token() }), { code: "server-unreachable" });
    assert.deepEqual(asked, []);
    const caPath = join(folder, "ca.pem");
    await writeFile(caPath, CA);
    const { config } = await run({ token: token(), environment: readEnvironment({ FLOTILLA_AGENT_CA_FILE: caPath }) });
    assert.equal(config.pinnedCa, undefined);
  });

  it("does nothing the second time, and not at another server", async () => {
    const { config } = await run();
    asked = [];
    assert.deepEqual(await run(), { kind: "already", config });
    assert.deepEqual(asked, []);
    await assert.rejects(run({ server: "https://elsewhere.example" }), { code: "enrolled-elsewhere" });
  });

  it("keeps its key when the answer was lost, and makes another when told to", async () => {
    answer = { status: 503, body: {} };
    await assert.rejects(run(), { code: "enrol-refused" });
    answer = { status: 201, body: { device: "d-1", project: "default", name: "press", targetKey: "a2V5" } };
    await run();
    const keys = () => asked.filter(({ path }) => path.endsWith("enrol")).map(({ body }) => body["publicKey"]);
    assert.equal(new Set(keys()).size, 1);
    await writeFile(join(folder, "state", "journal.json"), "{}");
    await run({ again: true });
    assert.equal(new Set(keys()).size, 2);
    await assert.rejects(readFile(join(folder, "state", "journal.json")), { code: "ENOENT" });
  });

  it("tells the server's refusal and never the token", async () => {
    answer = { status: 403, body: { code: "token-used-up", detail: "the token has enrolled all its devices" } };
    await assert.rejects(run(), (error: Error & { code?: string }) => {
      assert.equal(error.code, "token-used-up");
      assert.ok(!JSON.stringify(error).includes("sssss") && !error.message.includes("sssss"));
      return true;
    });
  });

  for (const [name, more, code] of [
    ["a token that is none", { token: "flp_x" }, "bad-token"],
    ["a URL that is none", { server: "fleet.example" }, "bad-server"],
  ] as const) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(run(more), { code });
    });
  }
});
