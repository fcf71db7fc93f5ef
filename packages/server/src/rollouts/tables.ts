/** Tables of this feature. */
export type RolloutTables = {};
