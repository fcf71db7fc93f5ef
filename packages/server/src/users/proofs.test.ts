import assert from "node:assert/strict";
import { argon2Sync } from "node:crypto";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import { isCoded } from "@flotilla/base/errors";
import { uuidv7 } from "@flotilla/base/uuid";
import { createDeviceTokens } from "./device-tokens.ts";
import { createPasswords } from "./passwords.ts";
import { allows, PERMISSIONS, type Permission, ROLES, type Role } from "./roles.ts";
import { formatApiToken, newSecret, parseApiToken } from "./secrets.ts";
import { createThrottle } from "./throttle.ts";

/** What each role may not do; everything else it may. Written out so that a change of the table is seen. */
const DENIED: Readonly<Record<Role, readonly Permission[]>> = {
  owner: [],
  maintainer: ["project:manage", "member:manage"],
  operator: [
    "project:manage",
    "member:manage",
    "audit:read",
    "app:manage",
    "release:create",
    "registry:push",
    "registry:delete",
    "policy:manage",
  ],
  developer: [
    "project:manage",
    "member:manage",
    "audit:read",
    "device:manage",
    "device:enrol",
    "variable:manage",
    "rollout:manage",
    "registry:delete",
    "policy:manage",
  ],
  auditor: [
    "project:manage",
    "member:manage",
    "token:manage",
    "device:manage",
    "device:enrol",
    "variable:manage",
    "app:manage",
    "release:create",
    "rollout:manage",
    "registry:push",
    "registry:delete",
    "policy:manage",
  ],
};

for (const role of ROLES)
  test(`${role} holds what the role says`, () => {
    assert.deepEqual(
      PERMISSIONS.filter((permission) => !allows(role, permission)),
      DENIED[role],
    );
  });

test("an API token carries its id and secret, and a checksum that finds any wrong character", () => {
  const id = uuidv7(1);
  const secret = newSecret();
  const token = formatApiToken(id, secret);
  assert.deepEqual(parseApiToken(token), { id, secret });
  for (let place = 0; place < token.length; place++) {
    const other = token[place] === "a" ? "b" : "a";
    assert.equal(parseApiToken(token.slice(0, place) + other + token.slice(place + 1)), undefined, `place ${place}`);
  }
  for (const text of ["", "flt_", token.slice(0, -1), `${token}0`, ` ${token}`, "x".repeat(10_000)])
    assert.equal(parseApiToken(text), undefined);
});

test("a device token is good for half an hour, for one device, with one key", async () => {
  const clock = new FakeClock();
  const tokens = createDeviceTokens(Buffer.alloc(32, 1), clock);
  const { token } = tokens.grant("device-1", "default");
  assert.deepEqual(tokens.verify(token), { deviceId: "device-1", project: "default" });
  assert.equal(createDeviceTokens(Buffer.alloc(32, 2), clock).verify(token), undefined);
  const [payload, mac] = token.split(".");
  const forged = `fltd_${Buffer.from('["device-2","default",9e15]').toString("base64url")}.${mac}`;
  for (const text of [forged, `${payload}.`, `${payload}.${"A".repeat(43)}`, "", "fltd_.", "x".repeat(5000)])
    assert.equal(tokens.verify(text), undefined);
  await clock.advance(30 * 60_000);
  assert.equal(tokens.verify(token), undefined);
});

test("a password's hash records how it was made, and fits that password alone", async () => {
  const passwords = createPasswords();
  const hash = await passwords.hash("correct horse battery");
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(await passwords.hash("correct horse battery"), hash);
  assert.equal(await passwords.verify("correct horse battery", hash), true);
  assert.equal(await passwords.verify("correct horse batterz", hash), false);
  assert.equal(await passwords.verify("correct horse battery", undefined), false);
  assert.equal(await passwords.verify("correct horse battery", "not a hash"), false);
});

test("a password that was hashed with other parameters is still checked", async () => {
  const passwords = createPasswords();
  const salt = Buffer.from("somesaltsomesalt");
  const raw = argon2Sync("argon2id", {
    message: "password",
    nonce: salt,
    memory: 64,
    passes: 3,
    parallelism: 2,
    tagLength: 32,
  });
  const hash = `$argon2id$v=19$m=64,t=3,p=2$${salt.toString("base64").replace(/=+$/, "")}$${raw.toString("base64").replace(/=+$/, "")}`;
  assert.equal(await passwords.verify("password", hash), true);
});

test("a flood of sign-ins is refused instead of queued without end", async () => {
  const passwords = createPasswords();
  const results = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.verify("x", undefined)));
  const refused = results.filter((result) => result.status === "rejected" && isCoded(result.reason, "unavailable"));
  assert.equal(refused.length, 10);
});

test("failed attempts are bounded in a window; successes do not count", async () => {
  const clock = new FakeClock();
  const throttle = createThrottle({ clock, limit: 2, windowMs: 1000 });
  for (let count = 0; count < 5; count++) {
    throttle.attempt("right");
    throttle.succeed("right");
  }
  throttle.attempt("wrong");
  throttle.attempt("wrong");
  assert.throws(() => throttle.attempt("wrong"), { code: "too-many-requests", details: { retryAfterSeconds: 1 } });
  throttle.attempt("another");
  await clock.advance(1000);
  throttle.attempt("wrong");
});
