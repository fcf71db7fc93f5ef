import { CodedError } from "@flotilla/base/errors";
import type { Access, Permission, Principal } from "../users/access.ts";
import { projectOf } from "./path.ts";

/** What devices may pull; the devices feature knows their targets. */
export interface DevicePulls {
  /** Whether the device's target names this repository: a release, or an image of one. */
  mayPull(deviceId: string, project: string, repository: string): Promise<boolean>;
}

/** No device may pull anything. */
export const NO_DEVICE_PULLS: DevicePulls = { mayPull: async () => false };

/** Throws `unauthenticated`, `forbidden` or `not-found` unless `principal` may do this in the repository. */
export async function admit(
  ports: { readonly access: Access; readonly devicePulls: DevicePulls },
  principal: Principal | undefined,
  permission: Permission,
  repository: string,
): Promise<Principal> {
  const project = projectOf(repository);
  if (principal?.kind !== "device") return ports.access.require(principal, permission, project);
  const allowed =
    permission === "registry:pull" &&
    principal.project === project &&
    (await ports.devicePulls.mayPull(principal.deviceId, project, repository));
  if (!allowed) throw new CodedError("forbidden", "the device's target does not name this repository");
  return principal;
}

/** The principal that {@link admit} let in. */
export function requirePrincipal(principal: Principal | undefined): Principal {
  if (principal === undefined) throw new CodedError("unauthenticated", "sign in, or send an API token");
  return principal;
}
