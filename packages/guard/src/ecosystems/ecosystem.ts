import type { EcosystemId, Package } from "../model.ts";

/** A package as an extractor finds it; where it stands is added by whoever opened the file. */
export type FoundPackage = Omit<Package, "locations" | "ecosystem"> & {
  /** 1-based line in the file, where that helps a reader. */
  readonly line?: number;
};

/** What one file gave. Damage is data: each problem is `kebab-code: words`. */
export interface Extraction {
  readonly packages: readonly FoundPackage[];
  readonly problems: readonly string[];
  /** Paths that an OS package owns (DESIGN §4 rule 2); relative, with `/`. */
  readonly owned?: readonly string[];
  /** Files that this one draws in; whoever merges says so when they were not read. */
  readonly includes?: readonly string[];
}

/** A file whose body is handed over whole. */
export interface WholeFile {
  /** Relative to the artifact's root, with `/`. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** Reads a body as it comes past. */
export interface FileReader {
  /**
   * Takes bytes that begin at offset `at` of the body and are only valid during the call. Returns the offset of the next byte it wants:
   * bytes before it may be left out, and {@link NO_MORE} ends the reading. Offsets never go back.
   */
  write(chunk: Buffer, at: number): number;
  /** The body is over, or nobody wants more of it. Called once. */
  end(): Extraction;
}

/** Returned by a {@link FileReader} that has seen enough. */
export const NO_MORE: number = Number.MAX_SAFE_INTEGER;

export const NOTHING: Extraction = { packages: [], problems: [] };

/** Knows one kind of file of one ecosystem. `wants` is asked for every path of an artifact and must be cheap. */
export type Extractor = WholeFileExtractor | StreamExtractor;

export interface WholeFileExtractor {
  readonly kind: "whole";
  readonly id: string;
  wants(path: string): boolean;
  /** Larger bodies are not read and become a problem. */
  readonly maxBytes: number;
  /** Never throws on bad input. */
  read(file: WholeFile): Extraction;
}

export interface StreamExtractor {
  readonly kind: "stream";
  readonly id: string;
  wants(path: string): boolean;
  /** Undefined: a body of this size is nothing for it. */
  open(path: string, sizeBytes: number): FileReader | undefined;
}

/** All that is known of where one ecosystem's packages are found. */
export interface Ecosystem {
  readonly id: EcosystemId;
  /** Whether its packages come with the operating system: they own files, and are matched by distribution. */
  readonly os: boolean;
  readonly extractors: readonly Extractor[];
}
