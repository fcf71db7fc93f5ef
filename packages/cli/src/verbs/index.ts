import type { Command } from "commander";
import { appCommand } from "./app.ts";
import { auditCommand } from "./audit.ts";
import { backupCommand } from "./backup.ts";
import { dbCommand } from "./db.ts";
import { deviceCommand } from "./device.ts";
import { loginCommand } from "./login.ts";
import { releaseCommand } from "./release.ts";
import { restoreCommand } from "./restore.ts";
import { rolloutCommand } from "./rollout.ts";
import { scanCommand } from "./scan.ts";
import { serveCommand } from "./serve.ts";
import { tokenCommand } from "./token.ts";
import { variableCommand } from "./variable.ts";

/** Every verb, in the order in which a newcomer meets them. */
export function verbs(): readonly Command[] {
  return [
    serveCommand(),
    loginCommand(),
    scanCommand(),
    dbCommand(),
    appCommand(),
    releaseCommand(),
    deviceCommand(),
    variableCommand(),
    rolloutCommand(),
    tokenCommand(),
    auditCommand(),
    backupCommand(),
    restoreCommand(),
  ];
}
