/** Tables of this feature. */
export type ReleaseTables = {};
