import { parseWhiteout } from "@flotilla/oci/whiteout";
import { readWhole } from "./body.ts";
import { type Extraction, type Extractor, type FileReader, NO_MORE } from "./ecosystems/ecosystem.ts";
import { ecosystems } from "./ecosystems/index.ts";
import type { LayerFacts } from "./facts.ts";
import { BINARY_FILES, countGap, EXEMPT_FILES, type Gap, gapOf } from "./gaps.ts";
import type { EcosystemId, LayerScan, Location, Package, Problem, SecretHit } from "./model.ts";
import { isScanned, isTextName } from "./secrets/allowed.ts";
import { createSecretReader, type SecretResult } from "./secrets/reader.ts";

/** What to take from the bytes. */
export interface Wanted {
  readonly inventory: boolean;
  readonly secrets: boolean;
}

/** What one layer, folder or archive gave. */
export type Collected = Pick<LayerScan, "packages" | "secrets" | "problems" | "removed"> & {
  readonly facts: LayerFacts;
};

/** Takes in the files of one layer or folder, one after another. */
export interface Collector {
  /** Whether a regular file at `path` could be wanted, whatever its size. */
  wants(path: string): boolean;
  /** A regular file is there, whether anybody wants it or not; once a file. */
  seen(path: string): void;
  /** A regular file begins. Undefined: nobody wants its body. */
  file(path: string, sizeBytes: number): OpenFile | undefined;
  /** An entry that is no regular file: it still hides what lower layers have at its path. */
  other(path: string): void;
  /** A second name of a file that came earlier. */
  link(path: string, target: string): void;
  problem(path: string, reason: string): void;
  finish(): Collected;
}

/** A file whose body somebody wants. The same contract as {@link FileReader}, the results go to the collector. */
export interface OpenFile {
  write(chunk: Buffer, at: number): number;
  end(): void;
}

/** More packages than this in one layer are counted as a problem and left out. */
const MAX_PACKAGES = 200_000;
const MAX_PROBLEMS = 1_000;
const MAX_KNOWN_PATHS = 500_000;
const MAX_OWNED_PATHS = 500_000;
const MAX_OS_RELEASE_BYTES = 64 * 1024;
const OS_RELEASE_PATHS: ReadonlySet<string> = new Set(["etc/os-release", "usr/lib/os-release"]);

interface Route {
  readonly ecosystem: EcosystemId;
  readonly os: boolean;
  readonly extractor: Extractor;
}

const ROUTES: readonly Route[] = ecosystems.flatMap(({ id, os, extractors }) =>
  extractors.map((extractor) => ({ ecosystem: id, os, extractor })),
);
const LANGUAGE_ROUTES: readonly Route[] = ROUTES.filter((route) => !route.os);

interface State {
  readonly packages: Package[];
  readonly secrets: SecretHit[];
  readonly problems: Problem[];
  readonly removed: { path: string; opaque: boolean }[];
  readonly osRelease: Record<string, string>;
  readonly known: string[];
  readonly owned: Record<string, readonly string[]>;
  ownedCount: number;
  readonly includes: [string, string][];
  readonly gaps: Record<string, Gap>;
  readonly byPath: Map<string, number>;
}

/** A collector for one layer or folder. */
export function createCollector(wanted: Wanted): Collector {
  const state: State = {
    packages: [],
    secrets: [],
    problems: [],
    removed: [],
    osRelease: {},
    known: [],
    owned: {},
    ownedCount: 0,
    includes: [],
    gaps: {},
    byPath: new Map(),
  };
  return {
    wants: (path) => mayWant(wanted, path),
    seen: (path) => {
      const what = wanted.inventory ? gapOf(path) : undefined;
      if (what !== undefined) countGap(state.gaps, what, path);
    },
    file: (path, sizeBytes) => openFile(state, wanted, path, sizeBytes),
    other: (path) => {
      if (!noteWhiteout(state, path) && ROUTES.some(({ extractor }) => extractor.wants(path))) noteKnown(state, path);
    },
    link: (path, target) => aliasPackages(state, path, target),
    problem: (path, reason) => addProblem(state, path, reason),
    finish: () => finish(state),
  };
}

function mayWant(wanted: Wanted, path: string): boolean {
  if (wanted.secrets) return true;
  return ROUTES.some(({ extractor }) => extractor.wants(path)) || OS_RELEASE_PATHS.has(path);
}

function openFile(state: State, wanted: Wanted, path: string, sizeBytes: number): OpenFile | undefined {
  if (noteWhiteout(state, path)) return undefined;
  const consumers: Consumer[] = [];
  if (wanted.inventory) addInventoryReaders(state, path, sizeBytes, consumers);
  if (wanted.secrets) addSecretReader(state, path, sizeBytes, consumers);
  return consumers.length === 0 ? undefined : fanOut(consumers);
}

function addInventoryReaders(state: State, path: string, sizeBytes: number, consumers: Consumer[]): void {
  for (const route of ROUTES) {
    if (!route.extractor.wants(path)) continue;
    noteKnown(state, path);
    const reader =
      route.extractor.kind === "whole"
        ? readWhole(route.extractor, path, sizeBytes)
        : route.extractor.open(path, sizeBytes);
    if (reader !== undefined)
      consumers.push({ reader, next: 0, done: () => addExtraction(state, route, path, reader.end()) });
  }
  if (OS_RELEASE_PATHS.has(path)) consumers.push(osReleaseConsumer(state, path, sizeBytes));
}

function addSecretReader(state: State, path: string, sizeBytes: number, consumers: Consumer[]): void {
  if (!isScanned(path)) {
    countGap(state.gaps, isTextName(path) ? EXEMPT_FILES : BINARY_FILES, path);
    return;
  }
  const reader = createSecretReader(path, sizeBytes);
  consumers.push({ reader, next: 0, done: () => addSecrets(state, path, reader.result()) });
}

function osReleaseConsumer(state: State, path: string, sizeBytes: number): Consumer {
  const text: string[] = [];
  const reader = {
    write(chunk: Buffer, at: number) {
      text.push(chunk.toString("latin1"));
      return at + chunk.length;
    },
  };
  const next = sizeBytes > MAX_OS_RELEASE_BYTES ? NO_MORE : 0;
  return {
    reader,
    next,
    done: () => {
      state.osRelease[path] = Buffer.from(text.join(""), "latin1").toString("utf8");
    },
  };
}

interface Consumer {
  readonly reader: Pick<FileReader, "write">;
  /** Offset of the next byte it wants. */
  next: number;
  readonly done: () => void;
}

/** Hands each byte of a body to everybody who wants it. */
function fanOut(consumers: readonly Consumer[]): OpenFile {
  return {
    write(chunk, at) {
      const end = at + chunk.length;
      let next = NO_MORE;
      for (const consumer of consumers) {
        if (consumer.next < end) {
          const from = Math.max(consumer.next, at);
          consumer.next = Math.max(end, consumer.reader.write(from === at ? chunk : chunk.subarray(from - at), from));
        }
        if (consumer.next < next) next = consumer.next;
      }
      return next;
    },
    end() {
      for (const consumer of consumers) consumer.done();
    },
  };
}

function addExtraction(state: State, route: Route, path: string, extraction: Extraction): void {
  const first = state.packages.length;
  for (const { line, ...found } of extraction.packages) {
    if (state.packages.length >= MAX_PACKAGES) {
      addProblem(state, path, `too-many-packages: more than ${MAX_PACKAGES} in one layer`);
      break;
    }
    const location: Location = line === undefined ? { path } : { path, line };
    state.packages.push({ ...found, ecosystem: route.ecosystem, locations: [location] });
  }
  if (state.packages.length > first) state.byPath.set(path, first);
  for (const reason of extraction.problems) addProblem(state, path, reason);
  addOwned(state, path, extraction.owned?.filter(isLanguageFile) ?? []);
  for (const include of extraction.includes ?? []) state.includes.push([path, include]);
}

function addOwned(state: State, path: string, owned: readonly string[]): void {
  if (owned.length === 0) return;
  state.ownedCount += owned.length;
  if (state.ownedCount <= MAX_OWNED_PATHS) state.owned[path] = owned;
  else addProblem(state, path, `too-many-files: more than ${MAX_OWNED_PATHS} of OS packages in one layer`);
}

function isLanguageFile(path: string): boolean {
  return LANGUAGE_ROUTES.some((route) => route.extractor.wants(path));
}

function addSecrets(state: State, path: string, found: SecretResult): void {
  if (found.isBinary) countGap(state.gaps, BINARY_FILES, path);
  state.secrets.push(...found.hits);
  for (const reason of found.problems) addProblem(state, path, reason);
}

function noteKnown(state: State, path: string): void {
  if (state.known.length < MAX_KNOWN_PATHS) state.known.push(path);
  else if (state.known.length === MAX_KNOWN_PATHS) addProblem(state, path, "too-many-files: the rest may hide nothing");
}

function noteWhiteout(state: State, path: string): boolean {
  const whiteout = parseWhiteout(path);
  if (whiteout === undefined) return false;
  state.removed.push({ path: whiteout.path, opaque: whiteout.kind === "opaque" });
  return true;
}

/** A hard link to a file that gave packages gives them again under its own name, when that name is one we know. */
function aliasPackages(state: State, path: string, target: string): void {
  const first = state.byPath.get(target);
  const route = ROUTES.find(({ extractor }) => extractor.wants(path));
  if (route === undefined) return;
  noteKnown(state, path);
  if (first === undefined) return;
  for (let index = first; state.packages[index]?.locations[0]?.path === target; index++) {
    const found = state.packages[index];
    if (found !== undefined && state.packages.length < MAX_PACKAGES)
      state.packages.push({ ...found, locations: [{ ...found.locations[0], path }] });
  }
}

function addProblem(state: State, path: string, reason: string): void {
  if (state.problems.length < MAX_PROBLEMS) state.problems.push({ path, reason });
  else if (state.problems.length === MAX_PROBLEMS)
    state.problems.push({ path: "", reason: "too-many-problems: the rest is left out" });
}

function finish(state: State): Collected {
  const { packages, secrets, problems, removed, osRelease, known, owned, includes, gaps } = state;
  return { packages, secrets, problems, removed, facts: { osRelease, known, owned, includes, gaps } };
}
