import type { Severity } from "../model.ts";
import type { StoredRecord } from "./format.ts";
import type { OsvReading } from "./osv.ts";
import { sourceOf } from "./source-names.ts";

export type AdvisoryReading = Extract<OsvReading, { kind: "advisory" }>;

/** What a database that comes as one document says: everything it knows of, so that what it said before goes. */
export interface CatalogueReading {
  /** How the ids of its advisories begin. */
  readonly prefix: string;
  readonly advisories: readonly AdvisoryReading[];
  readonly problems: readonly string[];
}

/** Gathers what a catalogue says by vulnerability: it is written by package. */
export class CatalogueReader {
  readonly #prefix: string;
  readonly #records = new Map<string, { key: string; record: StoredRecord }[]>();
  readonly #problems: string[] = [];
  #malformed = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** One package is affected by `cve` in `range`. */
  add(cve: string, key: string, range: StoredRecord["ranges"][number], severity: Severity = "unknown"): void {
    const id = this.#prefix + cve;
    const records = this.#records.get(id) ?? [];
    if (records.length === 0) this.#records.set(id, records);
    const known = records.findIndex((other) => other.key === key);
    const before = known < 0 ? undefined : records[known]?.record;
    const record: StoredRecord = {
      id,
      aliases: [cve],
      upstream: [],
      source: sourceOf(id).name,
      kind: "vulnerability",
      severity: before?.severity ?? severity,
      ranges: [...(before?.ranges ?? []), range],
      versions: [],
    };
    if (known < 0) records.push({ key, record });
    else records[known] = { key, record };
  }

  malformed(): void {
    this.#malformed++;
  }

  problem(reason: string): void {
    this.#problems.push(reason);
  }

  finish(): CatalogueReading {
    const problems = [...this.#problems];
    if (this.#malformed > 0) problems.push(`malformed: ${this.#malformed} entries without the fields they should have`);
    const advisories = [...this.#records].map(([id, records]) => ({
      kind: "advisory" as const,
      id,
      records,
      problems: [],
    }));
    return { prefix: this.#prefix, advisories, problems };
  }
}

export const CVE_ID = /^CVE-\d{4}-\d{4,12}$/;
