/** Tables of this feature. */
export type DeviceTables = {};
