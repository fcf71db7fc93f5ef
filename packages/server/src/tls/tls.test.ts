import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { systemClock } from "@flotilla/base/clock";
import { FakeClock } from "@flotilla/base/clock.fake";
import { silentLog } from "@flotilla/base/log";
import { DEFAULT_SETTINGS, type Settings } from "../config.ts";
import { createListener } from "../http/listener.ts";
import { openTls } from "./open-tls.ts";
import { openOwnAuthority } from "./own-authority.ts";

const DAY_MS = 86_400_000;

function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "flotilla-tls-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const settingsOf = (dataDir: string, tls: Settings["tls"]): Settings => ({
  ...DEFAULT_SETTINGS,
  dataDir,
  publicUrl: "https://fleet.example:8443",
  tls,
});

test("the authority is made once, its key for its owner only, and its fingerprint is that of the certificate", async () => {
  using folder = temporaryFolder();
  const made = await openOwnAuthority(folder.path, systemClock.now());
  const again = await openOwnAuthority(folder.path, systemClock.now());
  assert.equal(again.fingerprint, made.fingerprint);
  assert.equal(statSync(join(folder.path, "tls", "ca.key")).mode & 0o777, 0o600);
  const certificate = new X509Certificate(made.pem);
  assert.equal(createHash("sha256").update(certificate.raw).digest("hex"), made.fingerprint);
  assert.equal(certificate.ca, true);
});

test("a certificate of the authority is valid for its names and addresses, and for no other", async () => {
  using folder = temporaryFolder();
  const authority = await openOwnAuthority(folder.path, systemClock.now());
  const leaf = new X509Certificate(
    (await authority.issue(["fleet.example", "127.0.0.1", "::1"], systemClock.now())).cert,
  );
  const root = new X509Certificate(authority.pem);
  assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey));
  assert.equal(leaf.checkHost("fleet.example"), "fleet.example");
  assert.equal(leaf.checkHost("evil.example"), undefined);
  assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(leaf.ca, false);
});

test("the certificate is renewed in time, and new connections get the new one", async (t) => {
  using folder = temporaryFolder();
  // Starts in the past: both certificates must be valid now, when the connections are made.
  const clock = new FakeClock(systemClock.now() - 64 * DAY_MS);
  const stop = new AbortController();
  const settings = settingsOf(folder.path, { kind: "own-authority" });
  const tls = (await openTls({ settings, clock, log: silentLog, signal: stop.signal }))!;
  const server = createListener((_request, response) => response.end(), tls);
  t.after(() => {
    stop.abort();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const serialNow = () => serialOf((server.address() as { port: number }).port, tls.caPem!);
  const first = await serialNow();
  clock.jump(20 * DAY_MS);
  await clock.advance(3_600_000);
  assert.equal(await serialNow(), first);
  clock.jump(45 * DAY_MS);
  await clock.advance(3_600_000);
  await renewed(tls, first);
  assert.notEqual(await serialNow(), first);
});

test("a given certificate is read again when its files change; one that does not fit its key is refused", async (t) => {
  using folder = temporaryFolder();
  const authority = await openOwnAuthority(folder.path, systemClock.now());
  const [certFile, keyFile] = [join(folder.path, "cert.pem"), join(folder.path, "key.pem")];
  const put = async () => {
    const pair = await authority.issue(["fleet.example"], systemClock.now());
    writeFileSync(certFile, pair.cert);
    writeFileSync(keyFile, pair.key);
    return pair;
  };
  const first = await put();
  const clock = new FakeClock(systemClock.now());
  const stop = new AbortController();
  t.after(() => stop.abort());
  const settings = settingsOf(folder.path, { kind: "given", certFile, keyFile });
  const open = () => openTls({ settings, clock, log: silentLog, signal: stop.signal });
  const tls = (await open())!;
  assert.equal(tls.current().cert, first.cert);
  assert.equal(tls.caFingerprint, undefined);
  const second = await put();
  await clock.advance(3_600_000);
  assert.equal(tls.current().cert, second.cert);
  writeFileSync(keyFile, first.key);
  await clock.advance(3_600_000);
  assert.equal(tls.current().cert, second.cert, "a broken pair is not taken");
  await assert.rejects(open(), { code: "invalid-configuration" });
  assert.ok(readFileSync(certFile, "utf8").length > 0);
});

/** Waits for the key generation that a renewal does outside of the clock. */
async function renewed(tls: { current(): { readonly cert: string } }, serial: string): Promise<void> {
  while (new X509Certificate(tls.current().cert).serialNumber === serial) await systemClock.sleep(5);
}

function serialOf(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername: "fleet.example" }, () => {
      resolve(socket.getPeerX509Certificate()!.serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
