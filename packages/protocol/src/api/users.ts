import { type Static, Type } from "typebox";

const closed = { additionalProperties: false };

export const ProjectName = Type.String({ pattern: "^[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?$" });
export const RoleName = Type.Enum(["owner", "maintainer", "operator", "developer", "auditor"]);
/** `device:read`, `registry:push`, …; `GET /api/v1/me` lists those that one holds. */
export const PermissionName = Type.String({ pattern: "^[a-z]+:[a-z]+$", maxLength: 40 });
const Email = Type.String({ pattern: "^[^\\s@]{1,64}@[^\\s@]{1,189}$" });
const Password = Type.String({ minLength: 10, maxLength: 200 });
const Code = Type.String({ minLength: 20, maxLength: 100 });
const Id = Type.String({ maxLength: 64 });
const ShortText = Type.String({ minLength: 1, maxLength: 100 });

/** A code that works once, and the page that takes it. */
export const OneTimeCode = Type.Object({ code: Type.String(), url: Type.String(), expiresAt: Type.String() });
export type OneTimeCode = Static<typeof OneTimeCode>;

export const User = Type.Object({ id: Type.String(), email: Type.String() });
export type User = Static<typeof User>;

/** The code is that of the first start (then an e-mail address is needed) or of an invitation. */
export const SetupRequest = Type.Object({ code: Code, email: Type.Optional(Email), password: Password }, closed);

/** Signs in with a password, or with a one-time code. */
export const SignInRequest = Type.Object(
  {
    email: Type.Optional(Email),
    password: Type.Optional(Type.String({ maxLength: 200 })),
    code: Type.Optional(Code),
  },
  closed,
);

export const ExchangeRequest = Type.Object({ code: Code, name: Type.Optional(ShortText) }, closed);

/** `current` is needed once there is a password. */
export const ChangePasswordRequest = Type.Object(
  { current: Type.Optional(Type.String({ maxLength: 200 })), password: Password },
  closed,
);

export const Me = Type.Object({
  kind: Type.Union([Type.Literal("user"), Type.Literal("token"), Type.Literal("device")]),
  id: Type.String(),
  /** E-mail address of a person, name of a token. */
  name: Type.String(),
  serverRole: Type.Optional(RoleName),
  projects: Type.Array(
    Type.Object({
      name: Type.String(),
      role: Type.Optional(RoleName),
      permissions: Type.Array(PermissionName),
    }),
  ),
});
export type Me = Static<typeof Me>;

export const Project = Type.Object({ name: Type.String(), title: Type.String(), createdAt: Type.String() });
export type Project = Static<typeof Project>;
export const CreateProjectRequest = Type.Object({ name: ProjectName, title: Type.Optional(ShortText) }, closed);

export const Member = Type.Object({
  user: Type.String(),
  email: Type.String(),
  role: RoleName,
  addedAt: Type.String(),
});
export type Member = Static<typeof Member>;
export const SetMemberRequest = Type.Object({ role: RoleName }, closed);

/** Adds somebody to a project; a person who is new here gets a code to set a password with. */
export const InviteRequest = Type.Object({ email: Email, project: ProjectName, role: RoleName }, closed);
export const Invitation = Type.Object({ user: User, invitation: Type.Optional(OneTimeCode) });
export type Invitation = Static<typeof Invitation>;

export const ApiToken = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** Absent: a token of the whole server. */
  project: Type.Optional(Type.String()),
  scopes: Type.Array(PermissionName),
  /** Id of the user who made it. */
  user: Type.String(),
  createdAt: Type.String(),
  expiresAt: Type.String(),
  revokedAt: Type.Optional(Type.String()),
});
export type ApiToken = Static<typeof ApiToken>;
export const CreateTokenRequest = Type.Object(
  {
    name: ShortText,
    scopes: Type.Array(PermissionName, { minItems: 1, maxItems: 40 }),
    /** Default 90. */
    expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 366 })),
  },
  closed,
);
/** The only answer that ever holds the token itself. */
export const CreatedToken = Type.Object({ ...ApiToken.properties, token: Type.String() });
export type CreatedToken = Static<typeof CreatedToken>;

export const ProjectPath = Type.Object({ project: Type.String({ maxLength: 100 }) });
export const MemberPath = Type.Object({ project: Type.String({ maxLength: 100 }), user: Id });
export const TokenPath = Type.Object({ project: Type.String({ maxLength: 100 }), token: Id });
export const OwnTokenPath = Type.Object({ token: Id });
