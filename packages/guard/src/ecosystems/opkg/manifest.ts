import { parseHeaders } from "../../headers.ts";
import { type Extraction, type FoundPackage, NOTHING, type WholeFile, type WholeFileExtractor } from "../ecosystem.ts";
import { opkgPackage } from "./purl.ts";

const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
const MAX_PACKAGES = 100_000;
const LICENCE_MANIFEST = /(?:^|\/)license\.manifest$/;

/** A Yocto image's manifest (`IMAGE-MACHINE.rootfs.manifest`): name, architecture and version on each line. */
export const manifestExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "yocto-manifest",
  maxBytes: MAX_MANIFEST_BYTES,
  wants: (path) => path.endsWith(".manifest") && !LICENCE_MANIFEST.test(path),
  read: readManifest,
};

/** Yocto's licence manifest: package, version, recipe and licence of everything in an image. */
export const licenceManifestExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "yocto-licence-manifest",
  maxBytes: MAX_MANIFEST_BYTES,
  wants: (path) => LICENCE_MANIFEST.test(path),
  read: readLicences,
};

/** Other things are called `.manifest` too: a file in which any line has another form is not this. */
function readManifest(file: WholeFile): Extraction {
  const lines = linesOf(file);
  if (lines.length === 0 || !lines.every(({ text }) => /^\S+ \S+ \d\S*$/.test(text))) return NOTHING;
  return gathered(lines, ({ text }) => {
    const [name = "", architecture, version = ""] = text.split(" ");
    return opkgPackage({ name, version, architecture, evidence: "declared" });
  });
}

function readLicences(file: WholeFile): Extraction {
  const blocks = file.bytes
    .toString("utf8")
    .split(/\n\s*\n/)
    .filter((block) => block.trim() !== "");
  return gathered(
    blocks.map((text) => ({ text: text.trimStart() })),
    ({ text }) => {
      const fields = parseHeaders(text);
      return opkgPackage({
        name: fields.get("package name") ?? "",
        version: fields.get("package version") ?? "",
        architecture: undefined,
        recipe: fields.get("recipe name"),
        licence: fields.get("license"),
        evidence: "declared",
      });
    },
  );
}

interface Piece {
  readonly text: string;
  readonly line?: number;
}

function linesOf(file: WholeFile): Piece[] {
  return file.bytes
    .toString("utf8")
    .split("\n")
    .map((text, index) => ({ text: text.trimEnd(), line: index + 1 }))
    .filter(({ text }) => text !== "");
}

function gathered(pieces: readonly Piece[], read: (piece: Piece) => FoundPackage | string): Extraction {
  const packages: FoundPackage[] = [];
  const problems: string[] = [];
  for (const piece of pieces.slice(0, MAX_PACKAGES)) {
    const found = read(piece);
    if (typeof found === "string") problems.push(found);
    else packages.push(piece.line === undefined ? found : { ...found, line: piece.line });
  }
  if (pieces.length > MAX_PACKAGES) problems.push(`too-many-packages: more than ${MAX_PACKAGES}`);
  return { packages, problems };
}
