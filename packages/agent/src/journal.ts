import { type Digest, parseDigest } from "@flotilla/base/digest";
import { Verdict } from "@flotilla/protocol/device";
import { Envelope } from "@flotilla/protocol/dsse";
import { Value } from "typebox/value";
import type { Store } from "./ports.ts";

const MAX_BAD = 100;
const MAX_IMAGES = 500;
/** Report numbers are reserved in blocks, so that they grow over restarts without a write for each report. */
export const SEQ_BLOCK = 1000;

/** One release with the variables it is run with: all that is needed to build it again without the server. */
export interface Held {
  readonly release: Digest;
  readonly repository: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly variablesHash: Digest;
}

export interface Committed extends Held {
  /** Services that had done their work and exited when the release was committed. */
  readonly finished: readonly string[];
}

/** A switch that has begun and is not decided. With `failure` it is decided against and the way back has begun. */
export interface Attempt {
  readonly target: Held;
  /** How often the agent found this attempt after a restart of its own. */
  readonly resumes: number;
  readonly failure?: { readonly code: string; readonly reason: string };
  /** Config digests of images of what is committed that were removed for it: the way back fetches them again. */
  readonly givenUp?: readonly Digest[];
}

export interface AppJournal {
  readonly committed?: Committed;
  readonly previous?: Held;
  readonly attempt?: Attempt;
  readonly verdict?: Verdict;
  /** The start of the machine under which the app was last seen as it should be. */
  readonly bootId?: string;
}

/** A pair that was tried and failed: never tried again until forgiven. */
export interface BadPair {
  readonly app: string;
  readonly release: Digest;
  readonly variablesHash: Digest;
}

/**
 * What the agent must remember beyond what the engine shows. Format 1; later agents add members and keep these, since the previous agent
 * must be able to read it. Unknown members are kept.
 */
export interface JournalState {
  readonly format: 1;
  readonly seq: number;
  readonly targetVersion: number;
  /** The newest target accepted, as it was signed: it is verified again whenever it is read. */
  readonly envelope?: Envelope;
  readonly apps: Readonly<Record<string, AppJournal>>;
  readonly bad: readonly BadPair[];
  /** Config digests of the images that the agent put into the engine: those it may remove again. */
  readonly images: readonly Digest[];
}

const EMPTY: JournalState = { format: 1, seq: 0, targetVersion: 0, apps: {}, bad: [], images: [] };

export interface Journal {
  state(): JournalState;
  app(name: string): AppJournal;
  /** Saves what `change` makes of the state. Changes happen one after another; when saving fails the state is as before. */
  update(change: (state: JournalState) => JournalState): Promise<void>;
  updateApp(name: string, change: (app: AppJournal) => AppJournal | undefined): Promise<void>;
}

/** Reads the journal. Damage is not fatal (what runs is derived from the engine): `onDamage` is told and an empty one is used. */
export async function openJournal(store: Store, onDamage: (error: unknown) => void): Promise<Journal> {
  let state = await readState(store, onDamage);
  let tail: Promise<unknown> = Promise.resolve();
  const update: Journal["update"] = (change) => {
    const turn = tail.then(async () => {
      const next = bounded(change(state));
      if (next === state) return;
      await store.save(next);
      state = next;
    });
    tail = turn.catch(() => undefined);
    return turn;
  };
  return {
    state: () => state,
    app: (name) => state.apps[name] ?? {},
    update,
    updateApp: (name, change) =>
      update((before) => {
        const { [name]: app, ...others } = before.apps;
        const next = change(app ?? {});
        return { ...before, apps: next === undefined ? others : { ...others, [name]: next } };
      }),
  };
}

/** Whether two releases with variables are the same thing to run. */
export function samePair(
  a: Pick<Held, "release" | "variablesHash"> | undefined,
  b: Pick<Held, "release" | "variablesHash"> | undefined,
): boolean {
  return a !== undefined && b !== undefined && a.release === b.release && a.variablesHash === b.variablesHash;
}

/** Whether `held` is remembered as bad for `app`. */
export function isBad(state: JournalState, app: string, held: Held): boolean {
  return state.bad.some((bad) => bad.app === app && samePair(bad, held));
}

function bounded(state: JournalState): JournalState {
  if (state.bad.length <= MAX_BAD && state.images.length <= MAX_IMAGES) return state;
  return { ...state, bad: state.bad.slice(-MAX_BAD), images: state.images.slice(-MAX_IMAGES) };
}

async function readState(store: Store, onDamage: (error: unknown) => void): Promise<JournalState> {
  try {
    const value = await store.load();
    return value === undefined || value === null ? EMPTY : parseState(value);
  } catch (error) {
    onDamage(error);
    return EMPTY;
  }
}

function parseState(value: unknown): JournalState {
  const raw = record(value, "journal");
  if (typeof raw["format"] !== "number") throw new TypeError("journal: no format");
  const envelope = raw["envelope"];
  return {
    ...raw,
    format: 1,
    seq: count(raw["seq"]),
    targetVersion: count(raw["targetVersion"]),
    ...(Value.Check(Envelope, envelope) ? { envelope } : {}),
    apps: Object.fromEntries(
      Object.entries(record(raw["apps"] ?? {}, "apps")).map(([name, app]) => [name, parseApp(record(app, name))]),
    ),
    bad: list(raw["bad"]).map((item) => {
      const bad = record(item, "bad");
      return { app: text(bad["app"]), release: digest(bad["release"]), variablesHash: digest(bad["variablesHash"]) };
    }),
    images: list(raw["images"]).map(digest),
  };
}

function parseApp(raw: Readonly<Record<string, unknown>>): AppJournal {
  const { committed, previous, attempt, verdict, bootId } = raw;
  return {
    ...raw,
    ...(committed === undefined
      ? {}
      : {
          committed: { ...parseHeld(committed), finished: list(record(committed, "committed")["finished"]).map(text) },
        }),
    ...(previous === undefined ? {} : { previous: parseHeld(previous) }),
    ...(attempt === undefined ? {} : { attempt: parseAttempt(record(attempt, "attempt")) }),
    ...(Value.Check(Verdict, verdict) ? { verdict } : {}),
    ...(typeof bootId === "string" ? { bootId } : {}),
  };
}

function parseAttempt(raw: Readonly<Record<string, unknown>>): Attempt {
  const failure = raw["failure"] === undefined ? undefined : record(raw["failure"], "failure");
  return {
    target: parseHeld(raw["target"]),
    resumes: count(raw["resumes"]),
    ...(failure === undefined ? {} : { failure: { code: text(failure["code"]), reason: text(failure["reason"]) } }),
    ...(raw["givenUp"] === undefined ? {} : { givenUp: list(raw["givenUp"]).map(digest) }),
  };
}

function parseHeld(value: unknown): Held {
  const raw = record(value, "release");
  const variables = Object.entries(record(raw["variables"] ?? {}, "variables"));
  return {
    release: digest(raw["release"]),
    repository: text(raw["repository"]),
    variables: Object.fromEntries(variables.map(([name, member]) => [name, text(member)])),
    variablesHash: digest(raw["variablesHash"]),
  };
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`journal: ${where} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("journal: a text is missing");
  return value;
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function digest(value: unknown): Digest {
  const parsed = typeof value === "string" ? parseDigest(value) : undefined;
  if (parsed === undefined) throw new TypeError("journal: a digest is missing");
  return parsed;
}
