import { stringify } from "yaml";
import type { Policy } from "./policy.ts";

/** A policy as the file that `parsePolicy` reads back to it. */
export function formatPolicy(policy: Policy): string {
  return stringify(policy, { lineWidth: 0, flowCollectionPadding: false });
}
