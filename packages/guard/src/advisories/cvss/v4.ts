import type { Metrics } from "./metrics.ts";
import { MACRO_SCORES } from "./v4-scores.ts";

/** Values of each metric from worst to least; positions are the severity levels of CVSS v4.0 §8.2. */
const LEVELS: Readonly<Record<string, string>> = {
  AV: "NALP",
  PR: "NLH",
  UI: "NPA",
  AC: "LH",
  AT: "NP",
  VC: "HLN",
  VI: "HLN",
  VA: "HLN",
  SC: "SHLN",
  SI: "SHLN",
  SA: "SHLN",
  CR: "HML",
  IR: "HML",
  AR: "HML",
};
const MANDATORY = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];
/** What a metric stands for when it is not defined (§3, §4). */
const NOT_DEFINED: Readonly<Record<string, string>> = { E: "A", CR: "H", IR: "H", AR: "H" };
const EXPLOIT_LEVELS = "APU";

/** One equivalence class: its level in this vector, its metrics, the worst vectors of that level, and how many steps deep it is. */
interface Equivalence {
  readonly metrics: readonly string[];
  readonly worst: readonly string[];
  readonly depth: number;
}

const EQ1: readonly Equivalence[] = classes("AV PR UI", [
  ["NNN", 1],
  ["ANN NLN NNP", 4],
  ["PNN ALP", 5],
]);
const EQ2: readonly Equivalence[] = classes("AC AT", [
  ["LN", 1],
  ["HN LP", 2],
]);
const EQ36: Readonly<Record<string, Equivalence>> = {
  "00": one("VC VI VA CR IR AR", "HHHHHH", 7),
  "01": one("VC VI VA CR IR AR", "HHLMMH HHHMMM", 6),
  "10": one("VC VI VA CR IR AR", "LHHHHH HLHHHH", 8),
  "11": one("VC VI VA CR IR AR", "LHLHMH LHHHMM HLHMHM HLLMHH LLHHHM", 8),
  "21": one("VC VI VA CR IR AR", "LLLHHH", 10),
};
const EQ4: readonly Equivalence[] = classes("SC SI SA", [
  ["HSS", 6],
  ["HHH", 5],
  ["LLL", 4],
]);

/** CVSS v4.0 §8: the macro-vector's score less the mean of how far the vector lies below the worst of its classes. */
export function scoreV4(metrics: Metrics): number | undefined {
  const value = (name: string) => effective(metrics, name);
  if (!isComplete(metrics)) return undefined;
  if (["VC", "VI", "VA", "SC", "SI", "SA"].every((name) => value(name) === "N")) return 0;
  const levels = levelsOf(value);
  const score = scoreAt(levels);
  if (score === undefined) return undefined;
  const equivalences = [EQ1[levels[0]], EQ2[levels[1]], EQ36[`${levels[2]}${levels[5]}`], EQ4[levels[3]]];
  const lower = [
    scoreAt(raised(levels, 0)),
    scoreAt(raised(levels, 1)),
    lowerOfEq36(levels),
    scoreAt(raised(levels, 3)),
    scoreAt(raised(levels, 4)),
  ];
  const below = distances(equivalences, value);
  let sum = 0;
  let count = 0;
  for (const [index, next] of lower.entries()) {
    if (next === undefined) continue;
    count++;
    const depth = equivalences[index]?.depth ?? 1;
    sum += (score - next) * ((below[index] ?? 0) / depth);
  }
  const result = score - (count === 0 ? 0 : sum / count);
  return Math.min(10, Math.max(0, Math.round((result + 1e-6) * 10) / 10));
}

type Levels = readonly [number, number, number, number, number, number];

/** §8.1, tables 24 to 29. */
function levelsOf(value: (name: string) => string): Levels {
  const is = (name: string, wanted: string) => value(name) === wanted;
  const worst = [is("AV", "N"), is("PR", "N"), is("UI", "N")];
  const eq1 = worst.every(Boolean) ? 0 : worst.some(Boolean) && !is("AV", "P") ? 1 : 2;
  const eq2 = is("AC", "L") && is("AT", "N") ? 0 : 1;
  const eq3 = is("VC", "H") && is("VI", "H") ? 0 : is("VC", "H") || is("VI", "H") || is("VA", "H") ? 1 : 2;
  const eq4 = is("SI", "S") || is("SA", "S") ? 0 : is("SC", "H") || is("SI", "H") || is("SA", "H") ? 1 : 2;
  const eq5 = EXPLOIT_LEVELS.indexOf(value("E"));
  const pairs = [
    ["CR", "VC"],
    ["IR", "VI"],
    ["AR", "VA"],
  ] as const;
  const eq6 = pairs.some(([need, impact]) => is(need, "H") && is(impact, "H")) ? 0 : 1;
  return [eq1, eq2, eq3, eq4, eq5, eq6];
}

/** Steps between the vector and the worst vector of each class that is nowhere below it; all classes at once (§8.2). */
function distances(equivalences: readonly (Equivalence | undefined)[], value: (name: string) => string): number[] {
  return equivalences.map((equivalence) => {
    if (equivalence === undefined) return 0;
    for (const worst of equivalence.worst) {
      const steps = equivalence.metrics.map(
        (name, index) => level(name, value(name)) - level(name, worst[index] ?? ""),
      );
      if (steps.every((step) => step >= 0)) return steps.reduce((sum, step) => sum + step, 0);
    }
    return 0;
  });
}

function level(name: string, value: string): number {
  return LEVELS[name]?.indexOf(value) ?? 0;
}

function scoreAt([eq1, eq2, eq3, eq4, eq5, eq6]: Levels): number | undefined {
  return eq4 > 2 || eq5 > 2 ? undefined : MACRO_SCORES[`${eq1}${eq2}${eq3}${eq6}`]?.[eq4 * 3 + eq5];
}

function raised(levels: Levels, index: number): Levels {
  const [eq1, eq2, eq3, eq4, eq5, eq6] = levels.map((at, position) => (position === index ? at + 1 : at));
  return [eq1 ?? 0, eq2 ?? 0, eq3 ?? 0, eq4 ?? 0, eq5 ?? 0, eq6 ?? 0];
}

/** EQ3 and EQ6 are one class; from 00 there are two ways down, and the higher score counts. */
function lowerOfEq36(levels: Levels): number | undefined {
  const pair = `${levels[2]}${levels[5]}`;
  if (pair === "00") return Math.max(scoreAt(raised(levels, 5)) ?? 0, scoreAt(raised(levels, 2)) ?? 0);
  return pair === "10" ? scoreAt(raised(levels, 5)) : scoreAt(raised(levels, 2));
}

/** The modified metric where the environment sets one, else the metric, else what "not defined" stands for. */
function effective(metrics: Metrics, name: string): string {
  const modified = metrics.get(`M${name}`);
  if (modified !== undefined && modified !== "X") return modified;
  const value = metrics.get(name) ?? "X";
  return value === "X" ? (NOT_DEFINED[name] ?? value) : value;
}

function isComplete(metrics: Metrics): boolean {
  if (!EXPLOIT_LEVELS.includes(effective(metrics, "E"))) return false;
  return (
    MANDATORY.every((name) => metrics.has(name)) &&
    Object.entries(LEVELS).every(([name, values]) => values.includes(effective(metrics, name)))
  );
}

function classes(names: string, levels: readonly (readonly [worst: string, depth: number])[]): Equivalence[] {
  return levels.map(([worst, depth]) => one(names, worst, depth));
}

function one(names: string, worst: string, depth: number): Equivalence {
  return { metrics: names.split(" "), worst: worst.split(" "), depth };
}
