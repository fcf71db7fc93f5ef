import { existsSync } from "node:fs";
import { systemClock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { formatBytes } from "@flotilla/base/units";
import { DEFAULT_ECOSYSTEMS, downloadAdvisories, isUrl } from "@flotilla/guard/advisories/download";
import { importAdvisories } from "@flotilla/guard/advisories/import";
import { type OpenedStore, openSeedStore, openStore, readStore } from "@flotilla/guard/advisories/store";
import { replaceFile } from "@flotilla/guard/advisories/write";
import { Command } from "commander";
import { chooseStore, userStoreFile } from "../advisory-store.ts";
import { ago, note, type Progress, print, printJson, printTable, startProgress } from "../output.ts";
import { type Invocation, invocation } from "../session.ts";

const EXAMPLES = `
Examples:
  $ flotilla db list                                  which advisories do scans here use, and how old are they?
  $ flotilla db import ./advisories                   add a folder of OSV documents, zips and kev.json
  $ flotilla db import https://mirror.example/osv/    add <ecosystem>/all.zip of a mirror of the OSV bucket
  $ flotilla db import GHSA-xxxx.json --store a.store add one document to another store (made when it is not there)

  $ flotilla db import ./osv --seed --store DATA/advisories.store    for the server of that data folder; it notices by itself

Without --store, imports go to the store of this user, which begins with what ships with flotilla.`;

/** Progress is shown each time so many documents were read. */
const PROGRESS_STEP = 500;
const SHOWN_PROBLEMS = 10;

interface ImportFlags {
  readonly store?: string;
  readonly ecosystems?: string;
  readonly empty?: boolean;
  readonly seed?: boolean;
}

export function dbCommand(): Command {
  const db = new Command("db").description("The advisories that scans match against.").addHelpText("after", EXAMPLES);
  db.command("list")
    .description("print the advisory sources with their ages")
    .option("--store <file>", "another advisory store")
    .action((flags: { store?: string }, command: Command) => list(invocation(command), flags.store));
  db.command("import")
    .description("add OSV documents and the catalogue of known exploited vulnerabilities")
    .argument(
      "<path-or-url>",
      "an OSV bucket's layout (<ecosystem>/all.zip), a zip, a folder, a document, or an address",
    )
    .option("--store <file>", "another advisory store; made when it is not there")
    .option("--ecosystems <names>", `of a bucket at an address, which ecosystems (${DEFAULT_ECOSYSTEMS.join(",")})`)
    .option("--empty", "leave out what the store holds")
    .option("--seed", "start a new (or emptied) store from what ships with flotilla")
    .action((location: string, flags: ImportFlags, command: Command) =>
      importFrom(invocation(command), location, flags),
    );
  return db;
}

function list(run: Invocation, file: string | undefined): void {
  const { store, name } = chooseStore(run.environment, file);
  if (run.json) {
    printJson({ store: name, sources: store.sources, ecosystems: store.ecosystems });
    return;
  }
  print(`Store: ${name}`);
  printTable(
    ["SOURCE", "AS OF", "AGE", "ENTRIES", "LICENCE"],
    store.sources.map(({ name: source, asOf, count, licence }) => [
      source,
      asOf.slice(0, 10),
      ago(asOf, systemClock.now()),
      count,
      licence,
    ]),
    "the store is empty",
  );
  print();
  printTable(["ECOSYSTEM", "PACKAGES WITH ADVISORIES"], Object.entries(store.ecosystems), "no ecosystem is covered");
}

async function importFrom(run: Invocation, location: string, flags: ImportFlags): Promise<void> {
  const file = flags.store ?? userStoreFile(run.environment);
  const base = baseOf(file, flags);
  const progress = process.stderr.isTTY ? startProgress() : undefined;
  try {
    if (!isUrl(location)) return writeImport(run, { path: location, file, base, progress });
    if (!URL.canParse(location)) throw new CodedError("usage", `${location} is not an address`);
    await using downloaded = await downloadAdvisories({
      url: location,
      fetch,
      ...(flags.ecosystems === undefined ? {} : { ecosystems: flags.ecosystems.split(",").map((name) => name.trim()) }),
      onProgress: (url, bytes) => progress?.update("fetching", `${url} ${formatBytes(bytes)}`),
    });
    writeImport(run, { path: downloaded.folder, file, base, progress });
  } finally {
    progress?.done();
  }
}

/** What the new store begins with: what is there, else what ships with the product or nothing. */
function baseOf(file: string, { empty, seed, store }: ImportFlags): OpenedStore | undefined {
  if (!empty && existsSync(file)) return openStore(file);
  return seed || (store === undefined && !empty) ? openSeedStore() : undefined;
}

interface ImportRun {
  readonly path: string;
  readonly file: string;
  readonly base: OpenedStore | undefined;
  readonly progress: Progress | undefined;
}

function writeImport(run: Invocation, { path, file, base, progress }: ImportRun): void {
  const startedMs = systemClock.monotonic();
  const result = importAdvisories({
    path,
    ...(base === undefined ? {} : { base }),
    nowMs: systemClock.now(),
    onProgress(documents) {
      if (documents % PROGRESS_STEP === 0) progress?.update("importing", `${documents} documents`);
    },
  });
  replaceFile(file, result.bytes);
  progress?.done();
  const { bytes, ...counts } = result;
  if (run.json) {
    printJson({ store: file, sizeBytes: bytes.length, ...counts, sources: readStore(bytes, file).sources });
    return;
  }
  for (const { path: where, reason } of result.problems.slice(0, SHOWN_PROBLEMS)) note(`${where}: ${reason}`);
  if (result.problems.length > SHOWN_PROBLEMS) note(`and ${result.problems.length - SHOWN_PROBLEMS} more problems`);
  const seconds = ((systemClock.monotonic() - startedMs) / 1000).toFixed(1);
  print(
    `${result.advisories} advisories of ${result.documents} documents in ${seconds} s ` +
      `(${result.withdrawn} withdrawn, ${result.notSecurity} not about security, ${result.problems.length} problems)`,
  );
  print(`${file}: ${formatBytes(bytes.length)}`);
}
