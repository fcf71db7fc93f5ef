/** What can be reached from `roots` along `next`, the roots too. */
export function reachable(roots: Iterable<string>, next: (key: string) => readonly string[]): ReadonlySet<string> {
  const reached = new Set(roots);
  for (const key of reached) for (const other of next(key)) reached.add(other);
  return reached;
}
