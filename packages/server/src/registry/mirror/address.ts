/** Where a mirrored repository comes from: `<project>/mirror/<name>/<upstream repository>`. */
export interface MirrorAddress {
  /** Name of the mirror in the configuration. */
  readonly mirror: string;
  /** The repository as the other registry calls it. */
  readonly upstream: string;
}

/** Whether the repository is kept for content of other registries; nobody pushes into these, whatever is configured. */
export function isMirrorRepository(repository: string): boolean {
  return repository.split("/", 3)[1] === "mirror" && repository.split("/").length > 2;
}

/** What the repository mirrors, or undefined when its name has no upstream repository. */
export function parseMirrorRepository(repository: string): MirrorAddress | undefined {
  const [, area, mirror, ...upstream] = repository.split("/");
  if (area !== "mirror" || mirror === undefined || upstream.length === 0) return undefined;
  return { mirror, upstream: upstream.join("/") };
}
