/** A value of a variable in one scope. */
export interface VariablesTable {
  readonly project: string;
  readonly name: string;
  readonly scope: "project" | "group" | "device";
  /** Empty, the selector in canonical form, or the device's id. */
  readonly scope_of: string;
  readonly priority: number;
  readonly secret: 0 | 1;
  /** Sealed when `secret`. */
  readonly value: string;
  readonly updated_at: string;
  readonly updated_by: string;
}

/** Tables of this feature. */
export interface VariableTables {
  readonly variables: VariablesTable;
}
