import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import { type FillProblem, fillVariables } from "@flotilla/compose/fill";

/** An app whose texts are plain, and the values of its secrets by their names. */
export interface FilledApp {
  readonly app: NormalisedApp;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Problems that are told of one app; the rest is counted. */
const MAX_TOLD = 5;

/**
 * The app as it is run with the values of the target, its declared defaults where they say nothing. Throws `CodedError("variable-missing")`
 * when a value is missing, `variable-invalid` when a filled text cannot stand where it stands (a port that is no number).
 */
export function fillApp(app: NormalisedApp, given: Readonly<Record<string, string>>): FilledApp {
  const filled = fillVariables(app, given);
  if (filled.kind === "filled") return filled;
  const isMissing = filled.problems.some(({ code }) => code === "missing-variable");
  const told = filled.problems.filter(({ code }) => (code === "missing-variable") === isMissing);
  throw new CodedError(isMissing ? "variable-missing" : "variable-invalid", describe(told));
}

function describe(problems: readonly FillProblem[]): string {
  const messages = [...new Set(problems.map(({ field, message }) => `${field}: ${message}`))];
  const more = messages.length > MAX_TOLD ? ` (and ${messages.length - MAX_TOLD} more)` : "";
  return messages.slice(0, MAX_TOLD).join("; ") + more;
}
