import { CodedError } from "@flotilla/base/errors";
import { type Static, Type } from "typebox";
import { isLoopback } from "../../http/address.ts";

/** Mirrors of one server. */
const MAX_MIRRORS = 50;

/** Schema of one registry that is mirrored. */
const MirrorEntry = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z0-9]+(?:[._-][a-z0-9]+)*$", maxLength: 60 }),
    url: Type.String({ pattern: "^https?://[^/?#@\\s]+/?$", maxLength: 300 }),
    credentialsFile: Type.Optional(Type.String({ minLength: 1 })),
    caFile: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);

/** Schema of the option `mirrors`. */
export const MirrorList = Type.Array(MirrorEntry, {
  maxItems: MAX_MIRRORS,
  description: "registries that are mirrored: { name, url, credentialsFile?, caFile? }; in the environment as JSON",
});

/** A registry that is mirrored. */
export type MirrorSettings = Readonly<Static<typeof MirrorEntry>>;

/** The mirrors, after what the schema cannot say: names are unique, and in clear only this machine is asked. */
export function checkMirrors(mirrors: readonly MirrorSettings[]): readonly MirrorSettings[] {
  const names = new Set<string>();
  for (const { name, url } of mirrors) {
    if (names.has(name)) throw invalid(`two mirrors are named ${name}`);
    names.add(name);
    const parsed = URL.parse(url);
    if (parsed === null) throw invalid(`the url of ${name} is none`);
    if (parsed.protocol === "http:" && !isLoopback(parsed.hostname.replace(/^\[|\]$/g, "")))
      throw invalid(`the url of ${name} must begin with https: only this machine is asked in clear`);
  }
  return mirrors;
}

function invalid(reason: string): CodedError {
  return new CodedError("invalid-configuration", `mirrors: ${reason}`);
}
