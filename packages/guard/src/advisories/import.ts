import { readFileSync, statSync } from "node:fs";
import { CodedError, messageOf } from "@flotilla/base/errors";
import type { Problem } from "../model.ts";
import { createStoreBuilder, type StoreBuilder } from "./builder.ts";
import type { CatalogueReading } from "./catalogue.ts";
import { readCatalogue } from "./catalogues.ts";
import { isEpssFile, readEpss } from "./epss.ts";
import { walk } from "./files.ts";
import { isKev, type KevCatalogue } from "./kev.ts";
import { type OsvReading, readOsv } from "./osv.ts";
import { forbidsRedistribution } from "./source-names.ts";
import type { OpenedStore } from "./store.ts";
import { encodeStore } from "./write.ts";
import { readZip } from "./zip.ts";

/** Of one document; the longest known are about 2 MB. */
export const MAX_DOCUMENT_BYTES: number = 16 * 2 ** 20;
/** Of one document outside a zip: the Debian security tracker is one of about 70 MB. */
const MAX_FILE_BYTES = 192 * 2 ** 20;
const MAX_DOCUMENTS = 5_000_000;
const MAX_TOTAL_BYTES = 64 * 2 ** 30;
/** Further problems are counted, not listed. */
const MAX_PROBLEMS = 1000;
/** Clocks differ. */
const TOLERATED_FUTURE_MS = 24 * 60 * 60 * 1000;

export interface ImportOptions {
  /** A folder (an OSV bucket's layout or any other), a zip, or one document. */
  readonly path: string;
  /** What is already known and stays unless replaced. */
  readonly base?: OpenedStore;
  /** Milliseconds since the epoch; dates after it are not believed. */
  readonly nowMs: number;
  readonly onProgress?: (documents: number) => void;
  readonly signal?: AbortSignal;
}

export interface ImportResult {
  /** The new store file's content. */
  readonly bytes: Buffer;
  /** Documents read, of which so many gave advisories, were withdrawn, or speak of something else. */
  readonly documents: number;
  readonly advisories: number;
  readonly withdrawn: number;
  readonly notSecurity: number;
  readonly problems: readonly Problem[];
}

/**
 * A store of the OSV documents (and KEV catalogue) under `path`, read one at a time. Damaged documents are problems. Throws
 * `import-missing` when there is nothing at `path` and `import-empty` when nothing there could be read.
 */
export function importAdvisories(options: ImportOptions): ImportResult {
  const builder = createStoreBuilder(options.nowMs + TOLERATED_FUTURE_MS);
  if (options.base !== undefined) builder.include(options.base);
  const tally = new Tally(options);
  for (const document of documentsUnder(options.path, tally)) {
    options.signal?.throwIfAborted();
    takeDocument(builder, document, tally);
  }
  if (tally.advisories + tally.withdrawn + tally.notSecurity + tally.catalogues === 0)
    throw new CodedError("import-empty", `no advisory could be read from ${options.path}${tally.firstProblem()}`);
  return {
    bytes: encodeStore(builder.finish()),
    documents: tally.documents,
    advisories: tally.advisories,
    withdrawn: tally.withdrawn,
    notSecurity: tally.notSecurity,
    problems: tally.listProblems(),
  };
}

interface Document {
  readonly path: string;
  readonly bytes: Buffer;
  readonly modifiedMs: number;
}

class Tally {
  documents = 0;
  advisories = 0;
  withdrawn = 0;
  notSecurity = 0;
  catalogues = 0;
  #bytes = 0;
  #problems: Problem[] = [];
  #unlisted = 0;
  readonly #options: ImportOptions;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  problem(path: string, reason: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ path, reason });
    else this.#unlisted++;
  }

  seen(bytes: number): void {
    this.documents++;
    this.#bytes += bytes;
    if (this.documents > MAX_DOCUMENTS || this.#bytes > MAX_TOTAL_BYTES)
      throw new CodedError("import-too-large", `${this.#options.path} holds more documents than are read at once`);
    this.#options.onProgress?.(this.documents);
  }

  listProblems(): readonly Problem[] {
    if (this.#unlisted === 0) return this.#problems;
    return [...this.#problems, { path: this.#options.path, reason: `more: ${this.#unlisted} further problems` }];
  }

  firstProblem(): string {
    const [first] = this.#problems;
    return first === undefined ? "" : `: ${first.path}: ${first.reason}`;
  }
}

function* documentsUnder(path: string, tally: Tally): Generator<Document> {
  for (const file of walk(path, (filePath, reason) => tally.problem(filePath, reason))) {
    if (file.path.endsWith(".zip")) yield* documentsInZip(file.path, tally);
    else if (file.sizeBytes > MAX_FILE_BYTES) tally.problem(file.path, tooLarge(file.sizeBytes));
    else yield { path: file.path, bytes: readFileSync(file.path), modifiedMs: file.modifiedMs };
  }
}

function* documentsInZip(path: string, tally: Tally): Generator<Document> {
  const bounds = { maxEntries: MAX_DOCUMENTS, maxEntryBytes: MAX_DOCUMENT_BYTES, maxTotalBytes: MAX_TOTAL_BYTES };
  const fileMs = statSync(path).mtimeMs;
  try {
    for (const item of readZip(path, (name) => name.endsWith(".json"), bounds)) {
      if (item.kind === "problem") tally.problem(`${path}/${item.name}`, item.reason);
      else yield { path: `${path}/${item.name}`, bytes: item.bytes, modifiedMs: item.modifiedMs || fileMs };
    }
  } catch (error) {
    if (!(error instanceof CodedError) || error.code === "import-too-large") throw error;
    tally.problem(path, `${error.code}: ${error.message}`);
  }
}

function takeDocument(builder: StoreBuilder, document: Document, tally: Tally): void {
  tally.seen(document.bytes.length);
  if (isEpssFile(document.path)) {
    takeEpss(builder, document, tally);
    return;
  }
  const value = parseJson(document.bytes);
  if (value instanceof SyntaxError) tally.problem(document.path, `not-json: ${messageOf(value)}`);
  else if (isKev(value)) takeCatalogue(builder, value, document, tally);
  else {
    const catalogue = readCatalogue(value);
    if (catalogue === undefined) takeReading(builder, readOsv(value), document, tally);
    else takeAdvisoryCatalogue(builder, catalogue, document, tally);
  }
}

function takeAdvisoryCatalogue(
  builder: StoreBuilder,
  catalogue: CatalogueReading,
  document: Document,
  tally: Tally,
): void {
  for (const reason of catalogue.problems) tally.problem(document.path, reason);
  if (catalogue.prefix === "") return;
  tally.catalogues++;
  builder.forget(catalogue.prefix);
  for (const reading of catalogue.advisories) takeReading(builder, reading, document, tally);
}

function takeEpss(builder: StoreBuilder, document: Document, tally: Tally): void {
  const reading = readEpss(document.bytes);
  if (reading.kind === "problem") {
    tally.problem(document.path, reading.reason);
    return;
  }
  const { scores, asOfMs, malformed } = reading.value;
  if (malformed > 0) tally.problem(document.path, `malformed: ${malformed} rows without a CVE and a probability`);
  if (scores.size === 0) return;
  tally.catalogues++;
  builder.setEpss(scores, asOfMs ?? document.modifiedMs);
}

function takeCatalogue(builder: StoreBuilder, catalogue: KevCatalogue, document: Document, tally: Tally): void {
  tally.catalogues++;
  const released = Date.parse(catalogue.dateReleased ?? "");
  const ids = catalogue.vulnerabilities.map(({ cveID }) => cveID);
  builder.setExploited(ids, Number.isNaN(released) ? document.modifiedMs : released);
}

function takeReading(builder: StoreBuilder, reading: OsvReading, document: Document, tally: Tally): void {
  if (reading.kind !== "problem" && forbidsRedistribution(reading.id)) {
    tally.problem(document.path, `refused: the terms of ${reading.id.slice(0, 60)}'s database forbid passing it on`);
    return;
  }
  switch (reading.kind) {
    case "problem":
      tally.problem(document.path, reading.reason);
      break;
    case "not-security":
      tally.notSecurity++;
      break;
    case "withdrawn":
      tally.withdrawn++;
      builder.add(reading, document.modifiedMs);
      break;
    case "advisory":
      tally.advisories++;
      for (const reason of reading.problems) tally.problem(document.path, reason);
      builder.add(reading, document.modifiedMs);
      break;
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

function tooLarge(sizeBytes: number): string {
  return `too-large: ${sizeBytes} bytes, the bound is ${MAX_FILE_BYTES}`;
}
