import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { describe, it } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { silentLog } from "@flotilla/base/log";
import type { LinkHandlers } from "../ports.ts";
import { createTestCertificates } from "./certificates.fixture.ts";
import { type FakeGateway, startFakeGateway, startFakeProxy } from "./gateway.fake.ts";
import { createLink, type LinkOptions, type ServerLink, waitAfter } from "./link.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const PUBLIC_KEY = publicKey.export({ type: "spki", format: "der" }).toString("base64");
const certificates = await createTestCertificates();
const TLS = certificates.tls;

interface Log extends LinkHandlers {
  readonly events: string[];
  /** Resolves when an event that starts so is there. */
  until(prefix: string): Promise<string>;
}

function recording(): Log {
  const events: string[] = [];
  const waiting: { prefix: string; resolve: (event: string) => void }[] = [];
  const add = (event: string) => {
    events.push(event);
    for (const { prefix, resolve } of waiting) if (event.startsWith(prefix)) resolve(event);
  };
  return {
    events,
    until: (prefix) =>
      new Promise((resolve) => {
        const known = events.find((event) => event.startsWith(prefix));
        if (known !== undefined) resolve(known);
        else waiting.push({ prefix, resolve });
      }),
    connected: (welcome) => add(`connected ${welcome.fullReport}`),
    disconnected: (reason) => add(`disconnected ${reason}`),
    message: (message) => add(`message ${message.type}`),
    targetVersion: () => 7,
  };
}

function linkTo(server: URL, transport: Partial<TransportOptions> = {}, more: Partial<LinkOptions> = {}): ServerLink {
  return createLink({
    server,
    identity: { device: "d1", bootId: "b1", instanceId: "i1", sign: (bytes) => sign(null, bytes, privateKey) },
    transport: createTransport({ trust: { kind: "system" }, proxy: undefined, ...transport }),
    clock: systemClock,
    log: silentLog,
    userAgent: "test",
    random: () => 0,
    ...more,
  });
}

async function running(link: ServerLink, task: (log: Log) => Promise<void>): Promise<Log> {
  const log = recording();
  const stop = new AbortController();
  const done = link.run(log, stop.signal);
  try {
    await task(log);
  } finally {
    stop.abort();
    await done;
  }
  return log;
}

describe("link", () => {
  it("proves its key, is welcomed, and carries messages both ways", async () => {
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY });
    const link = linkTo(gateway.url);
    assert.equal(link.send({ type: "token-request" }), false);
    await running(link, async (log) => {
      assert.equal(await log.until("connected"), "connected true");
      assert.equal(gateway.hellos[0]?.targetVersion, 7);
      gateway.send({ type: "ack", seq: 3 });
      await log.until("message ack");
      assert.equal(link.send({ type: "token-request" }), true);
    });
  });

  it("gets registry tokens when they are needed and replaces one that was refused", async () => {
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY });
    const link = linkTo(gateway.url);
    await running(link, async (log) => {
      await log.until("connected");
      const expiresAt = new Date(Date.now() + 600_000).toISOString();
      const signal = AbortSignal.timeout(10_000);
      grantOnRequest(gateway, expiresAt);
      assert.equal(await link.tokens.current(signal), "token-1");
      assert.equal(await link.tokens.current(signal), "token-1");
      link.tokens.forget("token-1");
      assert.equal(await link.tokens.current(signal), "token-2");
    });
  });

  it("ignores what it does not understand", async () => {
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY });
    const log = await running(linkTo(gateway.url), async (log) => {
      await log.until("connected");
      gateway.current()?.send("not json");
      gateway.send({ type: "from-the-future", data: 1 });
      gateway.send({ type: "ack", seq: "three" });
      gateway.send({ type: "ack", seq: 4 });
      await log.until("message");
    });
    assert.deepEqual(log.events.slice(0, 2), ["connected true", "message ack"]);
  });

  it("gives up a connection on which nothing is heard, not even a ping, and connects again", async () => {
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY, pingIntervalMs: 1000, pings: false });
    await running(linkTo(gateway.url), async (log) => {
      assert.equal(await log.until("disconnected"), "disconnected nothing was heard for 2 s");
      while (gateway.hellos.length < 2) await systemClock.sleep(50);
    });
  });

  it("stays while pings come", async () => {
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY, pingIntervalMs: 1000 });
    const log = await running(linkTo(gateway.url), async (log) => {
      await log.until("connected");
      await systemClock.sleep(2600);
    });
    assert.deepEqual(log.events, ["connected true", "disconnected the agent stops"]);
  });

  it("tells why it was refused", async () => {
    const refusal = { code: "slow-down", message: "too many at once", retryAfterMs: 60_000 };
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY, refusal });
    await running(linkTo(gateway.url), async (log) => {
      assert.equal(await log.until("disconnected"), "disconnected the server refused: too many at once");
      await systemClock.sleep(200);
      assert.equal(gateway.hellos.length, 1, "it waits as long as it was told");
    });
  });

  it("does not speak a protocol that the server does not", async () => {
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY, protocol: { oldest: 8, newest: 9 } });
    await running(linkTo(gateway.url), async (log) => {
      assert.match(await log.until("disconnected"), /speaks device protocol 8 to 9, this agent 1/);
      assert.equal(gateway.hellos.length, 0);
    });
  });

  it("goes through a proxy to a server whose CA is pinned", async () => {
    await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY, tls: TLS });
    await using proxy = await startFakeProxy();
    const trust = { kind: "pinned", pem: certificates.ca } as const;
    const link = linkTo(new URL(`https://fleet.example:${gateway.port}`), { trust, proxy: { https: proxy.url } });
    await running(link, async (log) => {
      await log.until("connected");
      assert.deepEqual(proxy.asked, [
        {
          target: `fleet.example:${gateway.port}`,
          authorization: `Basic ${Buffer.from("user:pass").toString("base64")}`,
        },
      ]);
    });
  });

  for (const [name, pem] of [
    ["only the system's authorities", undefined],
    ["an extra authority", certificates.ca],
  ] as const) {
    it(`believes ${name} when none is pinned`, async () => {
      await using gateway = await startFakeGateway({ publicKey: PUBLIC_KEY, tls: TLS });
      const link = linkTo(gateway.url, { trust: { kind: "system", extraPem: pem } });
      await running(link, async (log) => {
        if (pem === undefined) assert.match(await log.until("disconnected"), /certificate/);
        else await log.until("connected");
      });
    });
  }

  it("waits with full jitter, as long as the server says, and long when it is not wanted", () => {
    assert.equal(waitAfter({}, 1, 0.5), 1000);
    assert.equal(waitAfter({}, 3, 0.5), 4000);
    assert.equal(waitAfter({}, 50, 1), 120_000);
    assert.equal(waitAfter({ retryAfterMs: 30_000 }, 1, 0.5), 31_000);
    assert.equal(waitAfter({ code: "device-revoked" }, 1, 0), 60_000);
  });
});

function grantOnRequest(gateway: FakeGateway, expiresAt: string): void {
  let count = 0;
  gateway.current()?.on("message", (data) => {
    if (JSON.parse(String(data)).type === "token-request")
      gateway.send({ type: "token", token: `token-${++count}`, expiresAt });
  });
}
