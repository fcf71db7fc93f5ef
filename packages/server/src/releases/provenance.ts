const PREFIX = "org.opencontainers.image.";
const KEY = /^org\.opencontainers\.image\.[a-z]+(?:\.[a-z]+)*$/;
/** Says nothing of where the image comes from, only how a layout names it. */
const NOT_PROVENANCE: ReadonlySet<string> = new Set(["org.opencontainers.image.ref.name"]);
const MAX_KEYS = 24;
const MAX_KEY_CHARACTERS = 80;
const MAX_VALUE_CHARACTERS = 512;

/** Annotations or labels, as they stand in a manifest or config: anything may stand there. */
type Marks = Readonly<Record<string, unknown>>;

/** Marks of one platform: its manifest's annotations and its config's labels. */
export interface PlatformMarks {
  readonly annotations: Marks | undefined;
  readonly labels: Marks | undefined;
}

/**
 * Where an image says it comes from (image-spec, annotations.md, "Pre-Defined Annotation Keys"), by key without the prefix: `revision`,
 * `source`, `version`, `created`, …. The index speaks first, then manifests, then labels, as far as all platforms agree. What is overlong,
 * not printable or holds a password in an address is left out: a release never holds a secret.
 */
export function provenanceOf(index: Marks | undefined, platforms: readonly PlatformMarks[]): Record<string, string> {
  const [first, ...others] = platforms.map(({ annotations, labels }) => ({
    ...marksOf(labels),
    ...marksOf(annotations),
  }));
  const agreed = Object.entries(first ?? {}).filter(([key, value]) => others.every((other) => other[key] === value));
  const all = { ...Object.fromEntries(agreed), ...marksOf(index) };
  return Object.fromEntries(
    Object.entries(all)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, MAX_KEYS)
      .map(([key, value]) => [key.slice(PREFIX.length), value]),
  );
}

function marksOf(marks: Marks | undefined): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(marks ?? {}))
    if (key.length <= MAX_KEY_CHARACTERS && KEY.test(key) && !NOT_PROVENANCE.has(key) && isPlain(value))
      kept[key] = value;
  return kept;
}

function isPlain(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || value.length > MAX_VALUE_CHARACTERS) return false;
  return !/\p{Cc}/u.test(value) && !/:\/\/[^/?#\s]*@/.test(value);
}
