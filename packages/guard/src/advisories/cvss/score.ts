import type { Metrics } from "./metrics.ts";
import { scoreV2 } from "./v2.ts";
import { scoreV3 } from "./v3.ts";
import { scoreV4 } from "./v4.ts";

const MAX_VECTOR_LENGTH = 300;

/** The base score of a CVSS vector string of version 2, 3.0, 3.1 or 4.0 (4.0: with what threat metrics it holds), or undefined. */
export function scoreOf(vector: string): number | undefined {
  const text = vector.trim();
  if (text.length > MAX_VECTOR_LENGTH) return undefined;
  const [version = "", ...rest] = text.startsWith("CVSS:")
    ? text.slice("CVSS:".length).split("/")
    : ["2.0", ...text.split("/")];
  const metrics = parseMetrics(rest);
  if (metrics === undefined) return undefined;
  switch (version) {
    case "2.0":
      return scoreV2(metrics);
    case "3.0":
    case "3.1":
      return scoreV3(metrics);
    case "4.0":
      return scoreV4(metrics);
    default:
      return undefined;
  }
}

function parseMetrics(parts: readonly string[]): Metrics | undefined {
  const metrics = new Map<string, string>();
  for (const part of parts) {
    const match = /^\(?([A-Za-z]+):([A-Za-z]+)\)?$/.exec(part);
    if (match?.[1] === undefined || match[2] === undefined || metrics.has(match[1])) return undefined;
    metrics.set(match[1], match[2]);
  }
  return metrics;
}
