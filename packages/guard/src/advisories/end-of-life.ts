import { isObject, textOf } from "../json.ts";

const MAX_CYCLES = 2_000;

/** One release line of a product and the day its support ends. */
export interface LifeCycle {
  /** As the product names it: `12`, `3.20`, `22.04`. */
  readonly cycle: string;
  /** `YYYY-MM-DD`; `past` and `open` where the source says only that it has ended, or has not. */
  readonly end: string;
  /** The newest release of the line, where it is told. */
  readonly latest?: string;
}

/** Products by the `ID` of their os-release, where the two differ. */
const BY_OS_ID: Readonly<Record<string, string>> = {
  alpine: "alpine-linux",
  rocky: "rocky-linux",
  "opensuse-leap": "opensuse",
  amzn: "amazon-linux",
  ol: "oracle-linux",
};

/** The life cycles in a document of endoflife.date (`/api/PRODUCT.json`, or `result.releases` of its version 1); undefined when it is none. */
export function readLifeCycles(value: unknown): readonly LifeCycle[] | undefined {
  const releases = isObject(value) && isObject(value["result"]) ? value["result"]["releases"] : value;
  if (!Array.isArray(releases) || releases.length === 0 || releases.length > MAX_CYCLES) return undefined;
  const cycles = releases.flatMap((release: unknown) => cycleOf(release) ?? []);
  return cycles.length === 0 ? undefined : cycles;
}

/** The life cycle that a version belongs to: the longest one that it begins with. */
export function lifeCycleOf(cycles: readonly LifeCycle[], version: string): LifeCycle | undefined {
  return cycles
    .filter(({ cycle }) => version === cycle || version.startsWith(`${cycle}.`))
    .sort((a, b) => b.cycle.length - a.cycle.length)[0];
}

/** Whether support has ended on `day` (`YYYY-MM-DD`); its last day is still supported. */
export function hasEnded({ end }: LifeCycle, day: string): boolean {
  return end === "past" || (end !== "open" && end < day);
}

/** The name under which endoflife.date keeps an operating system. */
export function productOfOs(id: string): string {
  return Object.hasOwn(BY_OS_ID, id) ? (BY_OS_ID[id] ?? id) : id;
}

function cycleOf(release: unknown): LifeCycle | undefined {
  if (!isObject(release)) return undefined;
  const cycle = textOf(release["cycle"] ?? release["name"], 64);
  const end = endOf(release["eolFrom"] ?? release["eol"] ?? release["isEol"]);
  const newest = release["latest"];
  const latest = textOf(isObject(newest) ? newest["name"] : newest, 64);
  if (cycle === undefined || end === undefined) return undefined;
  return { cycle, end, ...(latest === undefined ? {} : { latest }) };
}

/** A day, or whether it is over. */
function endOf(value: unknown): string | undefined {
  if (typeof value === "boolean") return value ? "past" : "open";
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
}
