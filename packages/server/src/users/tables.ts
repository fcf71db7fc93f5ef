import type { Role } from "./roles.ts";

/** A project's name is its key: unique, never changed, never used again. */
export interface ProjectsTable {
  readonly name: string;
  readonly title: string;
  readonly created_at: string;
}

export interface MembersTable {
  readonly project: string;
  readonly user_id: string;
  readonly role: Role;
  readonly added_at: string;
}

export interface UsersTable {
  readonly id: string;
  /** Lower case. */
  readonly email: string;
  /** Null until the invited person has set a password. */
  readonly password_hash: string | null;
  /** A role on the whole server, and so in every project. */
  readonly server_role: Role | null;
  readonly created_at: string;
}

export interface SessionsTable {
  readonly id: string;
  readonly user_id: string;
  /** SHA-256 of the secret, hex. */
  readonly secret_hash: string;
  readonly created_at: string;
  readonly expires_at: string;
}

export interface ApiTokensTable {
  readonly id: string;
  /** Null: a token of the whole server. */
  readonly project: string | null;
  readonly name: string;
  /** Who made it; it never can do more than they can now. */
  readonly user_id: string;
  /** JSON list of permissions. */
  readonly scopes: string;
  /** SHA-256 of the secret, hex. */
  readonly secret_hash: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

/** A code that works once: the row goes when it is used. */
export interface OneTimeCodesTable {
  /** SHA-256 of the code, hex. */
  readonly code_hash: string;
  /** `setup` makes the first owner, `invite` sets an invited person's password, `sign-in` opens a session or gives the CLI a token. */
  readonly purpose: "setup" | "invite" | "sign-in";
  readonly user_id: string | null;
  readonly created_at: string;
  readonly expires_at: string;
}

/** Tables of this feature. */
export interface UserTables {
  readonly projects: ProjectsTable;
  readonly members: MembersTable;
  readonly users: UsersTable;
  readonly sessions: SessionsTable;
  readonly api_tokens: ApiTokensTable;
  readonly one_time_codes: OneTimeCodesTable;
}
