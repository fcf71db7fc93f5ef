/** Metric values of a vector by metric: `AV` → `N`. */
export type Metrics = ReadonlyMap<string, string>;

/** The weight of each metric in `weights`, or undefined when one is missing or unknown. */
export function weigh<K extends string>(
  metrics: Metrics,
  weights: Readonly<Record<K, Readonly<Record<string, number>>>>,
): Readonly<Record<K, number>> | undefined {
  const result: Partial<Record<K, number>> = {};
  for (const name of Object.keys(weights) as K[]) {
    const value = metrics.get(name) ?? "";
    const table = weights[name];
    if (!Object.hasOwn(table, value)) return undefined;
    result[name] = table[value] ?? 0;
  }
  return result as Record<K, number>;
}
