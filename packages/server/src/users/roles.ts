/** What a person may be in a project, and (first owner and people they make so) on the whole server. */
export const ROLES = ["owner", "maintainer", "operator", "developer", "auditor"] as const;
export type Role = (typeof ROLES)[number];

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

const READING: readonly Permission[] = [
  "project:read",
  "device:read",
  "variable:read",
  "app:read",
  "release:read",
  "rollout:read",
  "registry:pull",
  "scan:read",
];

const DEVELOPING: readonly Permission[] = [...READING, "app:manage", "release:create", "registry:push"];

const OPERATING: readonly Permission[] = [
  ...READING,
  "device:manage",
  "device:enrol",
  "variable:manage",
  "rollout:manage",
];

/** The one table of who may do what. A developer makes releases, an operator puts them on devices, a maintainer does both and sets the rules. */
const ROLE_PERMISSIONS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  owner: new Set(PERMISSIONS),
  maintainer: new Set([...DEVELOPING, ...OPERATING, "registry:delete", "policy:manage", "token:manage", "audit:read"]),
  operator: new Set([...OPERATING, "token:manage"]),
  developer: new Set([...DEVELOPING, "token:manage"]),
  auditor: new Set([...READING, "audit:read"]),
};

/** What a device may do in its own project; the registry narrows it to what its target names. */
const DEVICE_PERMISSIONS: ReadonlySet<Permission> = new Set(["registry:pull"]);

/** Whether a role holds a permission. */
export function allows(role: Role, permission: Permission): boolean {
  return ROLE_PERMISSIONS[role].has(permission);
}

/** Whether any device holds a permission. */
export function deviceAllows(permission: Permission): boolean {
  return DEVICE_PERMISSIONS.has(permission);
}

/** The permission of this name, or undefined. */
export function parsePermission(text: string): Permission | undefined {
  return PERMISSIONS.find((permission) => permission === text);
}
