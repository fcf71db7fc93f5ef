/** How often something was met that is not looked at, and where first. */
export interface Gap {
  readonly count: number;
  readonly first: string;
}

/** What was met and not looked at, by kind. Plain JSON. */
export type Gaps = Readonly<Record<string, Gap>>;

/** Kinds of {@link Gaps} that are not packages. */
export const BINARY_FILES = "binary files";
export const EXEMPT_FILES = "lock files, checksum lists, documentation, and tests inside vendored packages";

/** Files that tell of packages which we do not read yet, by their whole name. */
const BY_NAME: Readonly<Record<string, string>> = {
  "bun.lockb": "Bun locks in their binary form",
};

const BY_PATH: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)conda-meta\/[^/]+\.json$/, "conda packages"],
  [/^var\/lib\/pacman\/local\/[^/]+\/desc$/, "Arch Linux packages"],
];

/** The kind of packages that the file at `path` tells of and that are not read; undefined for all other files. */
export function gapOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name];
  return BY_PATH.find(([pattern]) => pattern.test(path))?.[1];
}

/** `gaps` with one more of a kind; the record is the collector's own. */
export function countGap(gaps: Record<string, Gap>, what: string, path: string): void {
  const gap = gaps[what];
  gaps[what] = gap === undefined ? { count: 1, first: path } : { count: gap.count + 1, first: gap.first };
}

/** The gaps of all layers, in sentences. */
export function describeGaps(all: readonly Gaps[]): readonly string[] {
  const sums: Record<string, Gap> = {};
  for (const gaps of all)
    for (const [what, { count, first }] of Object.entries(gaps)) {
      const sum = sums[what];
      sums[what] = { count: count + (sum?.count ?? 0), first: sum?.first ?? first };
    }
  return Object.entries(sums)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, { count, first }]) =>
      what === BINARY_FILES || what === EXEMPT_FILES
        ? `Not looked through for secrets: ${count} ${what} (such as ${first}).`
        : `Not read for packages: ${count} ${what} (such as ${first}).`,
    );
}
