import type { FastifyRequest } from "fastify";
import type { Actor } from "../audit/events.ts";

export type Role = "owner" | "maintainer" | "operator" | "developer" | "auditor";

/** What a route asks for. Scopes of API tokens are these names too. */
export const PERMISSIONS = [
  "project:read",
  "project:manage",
  "member:manage",
  "token:manage",
  "audit:read",
  "device:read",
  "device:manage",
  "device:enrol",
  "variable:read",
  "variable:manage",
  "app:read",
  "app:manage",
  "release:read",
  "release:create",
  "rollout:read",
  "rollout:manage",
  "registry:pull",
  "registry:push",
  "registry:delete",
  "scan:read",
  "policy:manage",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

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
