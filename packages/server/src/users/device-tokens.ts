import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "@flotilla/base/clock";
import { toInstant } from "@flotilla/base/clock";

/** How long a device's registry token lives; the gateway grants a new one on request. */
const LIFETIME_MS = 30 * 60_000;
const TOKEN = /^fltd_([A-Za-z0-9_-]{1,600})\.([A-Za-z0-9_-]{43})$/;

export interface DeviceTokens {
  grant(deviceId: string, project: string): { readonly token: string; readonly expiresAt: string };
  /** Whose token it is; undefined when it is not ours or has expired. */
  verify(token: string): { readonly deviceId: string; readonly project: string } | undefined;
}

/** Tokens `fltd_<payload>.<HMAC-SHA-256>`: nothing is stored, so that ten thousand devices that reconnect do not write. */
export function createDeviceTokens(key: Uint8Array, clock: Clock): DeviceTokens {
  const sign = (payload: string): string => createHmac("sha256", key).update(`fltd_${payload}`).digest("base64url");
  return {
    grant(deviceId, project) {
      const expires = clock.now() + LIFETIME_MS;
      const payload = Buffer.from(JSON.stringify([deviceId, project, expires])).toString("base64url");
      return { token: `fltd_${payload}.${sign(payload)}`, expiresAt: toInstant(expires) };
    },
    verify(token) {
      const [, payload, mac] = TOKEN.exec(token) ?? [];
      if (payload === undefined || mac === undefined) return undefined;
      if (!timingSafeEqual(Buffer.from(sign(payload)), Buffer.from(mac))) return undefined;
      const [deviceId, project, expires] = JSON.parse(Buffer.from(payload, "base64url").toString()) as [
        string,
        string,
        number,
      ];
      return expires > clock.now() ? { deviceId, project } : undefined;
    },
  };
}
