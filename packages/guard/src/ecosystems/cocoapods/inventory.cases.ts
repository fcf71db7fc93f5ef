import type { InventoryCase } from "../contract.cases.ts";

export const cases: readonly InventoryCase[] = [];
