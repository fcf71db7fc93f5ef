import { CodedError } from "@flotilla/base/errors";
import type { Principal } from "./access.ts";
import { PERMISSIONS } from "./roles.ts";

/** A person in a session, or a token that stands for all that its person may do; throws `role-exceeded` for a token that may do less. */
export function requireWholePerson(principal: Principal | undefined): Exclude<Principal, { kind: "device" }> {
  if (principal?.kind === "user") return principal;
  const whole =
    principal?.kind === "token" &&
    principal.project === null &&
    PERMISSIONS.every((permission) => principal.scopes.includes(permission));
  if (!whole) throw new CodedError("role-exceeded", "a token with some scopes only does not stand for its person");
  return principal;
}
