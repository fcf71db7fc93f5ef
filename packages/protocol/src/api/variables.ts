import { type Static, Type } from "typebox";
import { SelectorText } from "./devices.ts";
import { Page, PageQueryMembers } from "./paging.ts";

/** Schemas of the routes `/api/v1/projects/:project/variables…`. */

export const VariableName = Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$" });
export const VariableParams = Type.Object({ project: Type.String({ maxLength: 100 }), name: VariableName });

/** Whose value it is. A device's own wins over a group's, a group's over the project's; of groups the highest priority, then the last selector in order of text. */
export const VariableScope = Type.Union([
  Type.Object({ kind: Type.Literal("project") }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal("group"), selector: SelectorText }, { additionalProperties: false }),
  /** Id or name of the device; answers hold the id. */
  Type.Object(
    { kind: Type.Literal("device"), device: Type.String({ maxLength: 100 }) },
    { additionalProperties: false },
  ),
]);
export type VariableScope = Static<typeof VariableScope>;

export const Variable = Type.Object({
  name: VariableName,
  scope: VariableScope,
  /** Groups only. */
  priority: Type.Integer(),
  secret: Type.Boolean(),
  /** Absent when secret: a secret can be replaced but never read. */
  value: Type.Optional(Type.String()),
  updatedAt: Type.String(),
  updatedBy: Type.String(),
});
export type Variable = Static<typeof Variable>;
export const VariableList = Page(Variable);
export type VariableList = Static<typeof VariableList>;

export const VariableListQuery = Type.Object(PageQueryMembers);

/** `PUT …/variables/:name`: sets the value of one scope. */
export const SetVariableRequest = Type.Object(
  {
    scope: VariableScope,
    value: Type.String({ maxLength: 64 * 1024 }),
    secret: Type.Optional(Type.Boolean()),
    priority: Type.Optional(Type.Integer({ minimum: -1000, maximum: 1000 })),
  },
  { additionalProperties: false },
);
export type SetVariableRequest = Static<typeof SetVariableRequest>;

/** `DELETE …/variables/:name?scope=project`, `?scope=group&selector=…`, `?scope=device&device=…`. */
export const DeleteVariableQuery = Type.Object({
  scope: Type.Enum(["project", "group", "device"]),
  selector: Type.Optional(SelectorText),
  device: Type.Optional(Type.String({ maxLength: 100 })),
});
export type DeleteVariableQuery = Static<typeof DeleteVariableQuery>;
