import type { AssignmentTables } from "../assignments/tables.ts";
import type { AuditTables } from "../audit/tables.ts";
import type { DeviceTables } from "../devices/tables.ts";
import type { RegistryTables } from "../registry/tables.ts";
import type { UpkeepTables } from "../registry/upkeep-tables.ts";
import type { ReleaseTables } from "../releases/tables.ts";
import type { RolloutTables } from "../rollouts/tables.ts";
import type { UserTables } from "../users/tables.ts";
import type { VariableTables } from "../variables/tables.ts";

/** Every table, each declared by its feature. Times are RFC 3339 text in UTC; ids UUIDv7 text; JSON is text. */
export interface Tables
  extends AuditTables,
    UserTables,
    DeviceTables,
    RegistryTables,
    UpkeepTables,
    ReleaseTables,
    RolloutTables,
    AssignmentTables,
    VariableTables {}
