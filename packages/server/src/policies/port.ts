import type { Policy } from "@flotilla/guard/policy/policy";

/** The policy that decides in each project. */
export interface Policies {
  /** The project's own policy, or the built-in one. */
  of(project: string): Promise<Policy>;
}
