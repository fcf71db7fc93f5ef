import type { Command } from "commander";
import { auditCommand } from "./audit.ts";
import { deviceCommand } from "./device.ts";
import { rolloutCommand } from "./rollout.ts";
import { variableCommand } from "./variable.ts";

/** Every verb, in the order in which a newcomer meets them. */
export function verbs(): readonly Command[] {
  return [deviceCommand(), variableCommand(), rolloutCommand(), auditCommand()];
}
