/** The parts of a package URL, already in the form their type asks for (case, PEP 503 and so on). */
export interface PurlParts {
  readonly type: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly version?: string | undefined;
  readonly qualifiers?: Readonly<Record<string, string | undefined>>;
}

const PLAIN = /^[A-Za-z0-9.\-_~]*$/;

/**
 * Canonical package URL (purl-spec, "How to build purl string from its components"). Ours because it stands on the hot path: it is some
 * ten times faster than the library, with which a test compares it.
 */
export function formatPurl(parts: PurlParts): string {
  let text = `pkg:${parts.type}/`;
  if (parts.namespace !== undefined && parts.namespace !== "") text += `${encodePath(parts.namespace)}/`;
  text += encode(parts.name);
  if (parts.version !== undefined && parts.version !== "") text += `@${encode(parts.version)}`;
  return text + formatQualifiers(parts.qualifiers);
}

function formatQualifiers(qualifiers: PurlParts["qualifiers"]): string {
  if (qualifiers === undefined) return "";
  const members = Object.entries(qualifiers)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value)}`);
  return members.length === 0 ? "" : `?${members.join("&")}`;
}

function encodePath(text: string): string {
  return PLAIN.test(text)
    ? text
    : text
        .split("/")
        .filter((part) => part !== "")
        .map(encode)
        .join("/");
}

function encode(text: string): string {
  if (PLAIN.test(text)) return text;
  return encodeURIComponent(text.toWellFormed())
    .replaceAll("%3A", ":")
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
