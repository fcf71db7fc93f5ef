import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { encodedPart, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { MAX_MANIFEST_BYTES } from "@flotilla/oci/manifest";
import { openPositioned, type PositionedSource } from "@flotilla/oci/positioned";
import { type WalkedEntry, walkTar } from "@flotilla/oci/tar/walk";
import { type ExportContent, MAX_EXPORT_CONTENTS, type ReleaseExport } from "@flotilla/protocol/api/release-transfer";
import { openExport, type TrustedKey } from "./export-envelope.ts";

/** First entry of a release file; an OCI image layout (image-spec, image-layout.md) follows. */
export const ENVELOPE_ENTRY = "flotilla-release.json";
const MAX_ENVELOPE_BYTES = 12 * 1024 * 1024;
const OTHER_ENTRIES: ReadonlySet<string> = new Set(["oci-layout", "index.json"]);

interface Place {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A release file whose signature was verified. The bytes of its contents were not, before {@link ReleaseFile.verify}. */
export interface ReleaseFile {
  readonly document: ReleaseExport;
  readonly signedBy: TrustedKey;
  /** Reads everything once and throws `release-file-damaged` unless every content has its digest. */
  verify(onBytes: (bytes: number) => void): Promise<void>;
  /** A content's bytes where they stand. */
  read(content: Pick<ExportContent, "digest">): AsyncIterable<Uint8Array>;
}

/**
 * Opens a release file: its first entry must be an envelope that one of the keys signed, and it must hold exactly what that says, in its size.
 * Nothing else of it is read. Throws `release-file-invalid`, `release-file-signature`.
 */
export function openReleaseFile(path: string, keys: readonly TrustedKey[]): ReleaseFile {
  using source = openSource(path);
  const entries = walkTar(source);
  const first = entries.next();
  if (first.done === true || first.value.path !== ENVELOPE_ENTRY || first.value.sizeBytes > MAX_ENVELOPE_BYTES)
    throw invalid(`${path} does not begin with ${ENVELOPE_ENTRY}: it is no release file`);
  const { document, signedBy } = openExport(first.value.read(MAX_ENVELOPE_BYTES), keys);
  const places = placesOf(document, entries);
  const read = ({ digest }: Pick<ExportContent, "digest">) => stream(path, places.get(digest));
  return {
    document,
    signedBy,
    read,
    async verify(onBytes) {
      for (const digest of places.keys()) {
        const hash = createHash("sha256");
        for await (const chunk of read({ digest })) {
          hash.update(chunk);
          onBytes(chunk.length);
        }
        if (`sha256:${hash.digest("hex")}` !== digest)
          throw new CodedError("release-file-damaged", `${path}: ${digest} has other bytes; it was changed or cut`);
      }
    },
  };
}

function openSource(path: string): PositionedSource {
  try {
    return openPositioned(path);
  } catch (cause) {
    throw new CodedError("usage", `${path} cannot be read`, { cause });
  }
}

/** Where each content stands. A file with more, less or other sizes than was signed is refused. */
function placesOf(document: ReleaseExport, entries: Iterable<WalkedEntry>): ReadonlyMap<string, Place> {
  const wanted = new Map<string, number>();
  for (const { kind, digest, sizeBytes } of document.contents) {
    if (kind === "manifest" && sizeBytes > MAX_MANIFEST_BYTES) throw invalid(`the manifest ${digest} is too large`);
    if ((wanted.get(digest) ?? sizeBytes) !== sizeBytes) throw invalid(`${digest} is said to have two sizes`);
    wanted.set(digest, sizeBytes);
  }
  const places = new Map<string, Place>();
  let count = 0;
  for (const { kind, path, sizeBytes, bodyOffset } of entries) {
    if (++count > MAX_EXPORT_CONTENTS + OTHER_ENTRIES.size) throw invalid("it has too many entries");
    if (kind === "file" && OTHER_ENTRIES.has(path)) continue;
    const digest = parseDigest(path.replace(/^blobs\/sha256\//, "sha256:"));
    if (kind !== "file" || digest === undefined || !path.startsWith("blobs/sha256/") || !wanted.has(digest))
      throw invalid(`it holds ${path.slice(0, 150)}, which was not signed`);
    if (places.has(digest)) throw invalid(`it holds ${digest} twice`);
    if (wanted.get(digest) !== sizeBytes) throw invalid(`${digest} has ${sizeBytes} bytes, not what was signed`);
    places.set(digest, { offset: bodyOffset, sizeBytes });
  }
  for (const digest of wanted.keys()) if (!places.has(digest)) throw invalid(`it lacks ${digest}`);
  return places;
}

async function* stream(path: string, place: Place | undefined): AsyncGenerator<Uint8Array> {
  if (place === undefined || place.sizeBytes === 0) return;
  const { offset, sizeBytes } = place;
  yield* createReadStream(path, { start: offset, end: offset + sizeBytes - 1, highWaterMark: 256 * 1024 });
}

/** Path of a content in the layout. */
export function blobEntry(digest: string): string {
  const parsed = parseDigest(digest);
  if (parsed === undefined) throw invalid(`${digest.slice(0, 100)} is no digest`);
  return `blobs/sha256/${encodedPart(parsed)}`;
}

function invalid(why: string): CodedError {
  return new CodedError("release-file-invalid", `not a release file as it was exported: ${why}`);
}
