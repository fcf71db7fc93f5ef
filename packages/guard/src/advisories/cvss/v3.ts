import { type Metrics, weigh } from "./metrics.ts";

const IMPACT = { H: 0.56, L: 0.22, N: 0 };
const WEIGHTS = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 },
  AC: { L: 0.77, H: 0.44 },
  PR: { N: 0.85, L: 0.62, H: 0.27 },
  UI: { N: 0.85, R: 0.62 },
  S: { U: 0, C: 1 },
  C: IMPACT,
  I: IMPACT,
  A: IMPACT,
};
/** Weights of `PR` when the scope changes. */
const PR_CHANGED: Readonly<Record<string, number>> = { N: 0.85, L: 0.68, H: 0.5 };

/** CVSS v3.1 §7.1, base equations (3.0 differs only in how it rounds, which no vector shows). */
export function scoreV3(metrics: Metrics): number | undefined {
  const weights = weigh(metrics, WEIGHTS);
  if (weights === undefined) return undefined;
  const changed = weights.S === 1;
  const base = 1 - (1 - weights.C) * (1 - weights.I) * (1 - weights.A);
  const impact = changed ? 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 : 6.42 * base;
  if (impact <= 0) return 0;
  const privileges = changed ? (PR_CHANGED[metrics.get("PR") ?? ""] ?? 0) : weights.PR;
  const exploitability = 8.22 * weights.AV * weights.AC * privileges * weights.UI;
  return roundUp(Math.min((changed ? 1.08 : 1) * (impact + exploitability), 10));
}

/** CVSS v3.1 appendix A, "Roundup": free of floating point's last bits. */
function roundUp(value: number): number {
  const scaled = Math.round(value * 100_000);
  return scaled % 10_000 === 0 ? scaled / 100_000 : (Math.floor(scaled / 10_000) + 1) / 10;
}
