/** How one ecosystem orders its versions. */
export interface VersionOrder {
  /** Negative, 0 or positive, as `Array.prototype.sort` wants it; a total order over all texts. */
  compare(a: string, b: string): number;
  /** Whether `version` has a place in the order; where it has none, nothing may be concluded from it. */
  isValid(version: string): boolean;
}

/** A total order from a parser and the order of what it parses: what does not parse stands below, in code unit order. */
export function compareParsed<T>(
  a: string,
  b: string,
  parse: (version: string) => T | undefined,
  order: (a: T, b: T) => number,
): number {
  if (a === b) return 0;
  const parsedA = parse(a);
  const parsedB = parse(b);
  if (parsedA !== undefined && parsedB !== undefined) return order(parsedA, parsedB);
  if (parsedA !== undefined) return 1;
  if (parsedB !== undefined) return -1;
  return a < b ? -1 : 1;
}
