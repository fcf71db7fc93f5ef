/** Tables of this feature. */
export type AuditTables = {};
