import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { FastifyRequest } from "fastify";
import type { Actor } from "../audit/events.ts";
import type { Database } from "../store/database.ts";
import { authenticateSession } from "./authenticate-session.ts";
import { authenticateApiToken } from "./authenticate-token.ts";
import { createDeviceTokens } from "./device-tokens.ts";
import { allows, deviceAllows, type Permission, type Role } from "./roles.ts";

export { PERMISSIONS, type Permission, type Role } from "./roles.ts";

/** Somebody who proved who they are. */
export type Principal =
  | { readonly kind: "user"; readonly userId: string; readonly email: string; readonly sessionId: string }
  | {
      readonly kind: "token";
      readonly tokenId: string;
      readonly name: string;
      readonly userId: string;
      readonly project: string | null;
      readonly scopes: readonly Permission[];
    }
  | { readonly kind: "device"; readonly deviceId: string; readonly project: string };

/** Who may do what. */
export interface Access {
  /**
   * The principal of a request: `Authorization: Bearer <API or device token>`, Basic (user `token` or `device`, password the token), or a session
   * cookie. Undefined when nothing was shown; throws `CodedError("unauthenticated")` when what was shown is wrong, expired or revoked.
   */
  authenticate(request: FastifyRequest): Promise<Principal | undefined>;
  /** Whether `principal` holds `permission` in `project` (a project's name; `null` for the whole server). */
  allows(principal: Principal, permission: Permission, project: string | null): Promise<boolean>;
  /** Throws `CodedError("forbidden")`, or `CodedError("not-found")` when the principal may not even know the project. */
  require(principal: Principal | undefined, permission: Permission, project: string | null): Promise<Principal>;
  /** A registry token for a device, short-lived. */
  grantDeviceToken(deviceId: string, project: string): Promise<{ readonly token: string; readonly expiresAt: string }>;
  /** For events. */
  actorOf(principal: Principal): Actor;
}

export interface AccessOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** How clients reach the server; a cookie's request must come from there. */
  readonly publicUrl: () => string;
  /** Key of the device tokens, 32 bytes. */
  readonly deviceTokenKey: Uint8Array;
  /** Whether a device exists and is not revoked; asked each time a device token is shown. */
  readonly deviceIsActive: (deviceId: string, project: string) => Promise<boolean>;
}

/** The one access model of people, API tokens and devices. */
export function createAccess(options: AccessOptions): Access {
  const { database } = options;
  const deviceTokens = createDeviceTokens(options.deviceTokenKey, options.clock);
  const access: Access = {
    async authenticate(request) {
      const credential = credentialOf(request.headers.authorization);
      if (credential === undefined) return authenticateSession(request, options);
      if (credential.startsWith("fltd_")) {
        const device = deviceTokens.verify(credential);
        if (device === undefined || !(await options.deviceIsActive(device.deviceId, device.project)))
          throw new CodedError("unauthenticated", "the device token is wrong, expired, or its device was revoked");
        return { kind: "device", ...device };
      }
      return authenticateApiToken(credential, options);
    },
    async allows(principal, permission, project) {
      if (principal.kind === "device") return principal.project === project && deviceAllows(permission);
      if (principal.kind === "token") {
        if (principal.project !== null && principal.project !== project) return false;
        if (!principal.scopes.includes(permission)) return false;
      }
      const roles = await rolesOf(database, principal.userId, project);
      return roles.some((role) => allows(role, permission));
    },
    async require(principal, permission, project) {
      if (principal === undefined) throw new CodedError("unauthenticated", "sign in, or send an API token");
      const exists = project === null || (await projectExists(database, project));
      if (exists && (await access.allows(principal, permission, project))) return principal;
      if (project !== null && (!exists || !(await mayKnow(access, principal, project))))
        throw new CodedError("not-found", `there is no project ${project.slice(0, 100)}`);
      throw new CodedError("forbidden", `this needs the permission ${permission}`);
    },
    async grantDeviceToken(deviceId, project) {
      return deviceTokens.grant(deviceId, project);
    },
    actorOf(principal) {
      if (principal.kind === "user") return { kind: "user", id: principal.userId, name: principal.email };
      if (principal.kind === "token") return { kind: "token", id: principal.tokenId, name: principal.name };
      return { kind: "device", id: principal.deviceId };
    },
  };
  return access;
}

/** The token in an `Authorization` header: Bearer (RFC 6750), or the password of Basic (RFC 7617) as `docker login` sends it. */
function credentialOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [scheme = "", value = ""] = header.split(" ", 2);
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic")
    throw new CodedError("unauthenticated", "authorize with Bearer, or with Basic as user token or device");
  const decoded = Buffer.from(value, "base64").toString();
  return decoded.slice(decoded.indexOf(":") + 1);
}

async function mayKnow(access: Access, principal: Principal, project: string): Promise<boolean> {
  if (principal.kind !== "user") return principal.project === project;
  return access.allows(principal, "project:read", project);
}

/** The roles that count for a user in a project: their own there, and their role on the whole server. */
export async function rolesOf(database: Database, userId: string, project: string | null): Promise<readonly Role[]> {
  const roles: Role[] = [];
  const user = await database.read
    .selectFrom("users")
    .select("server_role")
    .where("id", "=", userId)
    .executeTakeFirst();
  if (user?.server_role) roles.push(user.server_role);
  if (project === null) return roles;
  const member = await database.read
    .selectFrom("members")
    .select("role")
    .where("project", "=", project)
    .where("user_id", "=", userId)
    .executeTakeFirst();
  if (member !== undefined) roles.push(member.role);
  return roles;
}

async function projectExists(database: Database, project: string): Promise<boolean> {
  const row = await database.read.selectFrom("projects").select("name").where("name", "=", project).executeTakeFirst();
  return row !== undefined;
}
