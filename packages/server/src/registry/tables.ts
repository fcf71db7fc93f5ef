/** Tables of this feature. */
export type RegistryTables = {};
