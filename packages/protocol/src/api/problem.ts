import { type Static, Type } from "typebox";

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** A refusal on the wire (RFC 9457). `code` is stable and kebab-case; further members depend on it. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: "urn:flotilla:problem:CODE" }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: "What, where and what to do next" }),
    code: Type.String({ pattern: "^[a-z0-9-]+$" }),
  },
  { additionalProperties: true, description: "A refusal (RFC 9457)" },
);
export type Problem = Static<typeof Problem>;
