/** Tables of this feature. */
export type UserTables = {};
