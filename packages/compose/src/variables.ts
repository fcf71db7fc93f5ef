import type { NormalisedApp, Variable } from "./app.ts";
import type { Place, Problems } from "./problem.ts";
import { mapStrings } from "./strings.ts";
import { type Part, parseTemplate, variablesIn } from "./template.ts";

type Use = Extract<Part, { kind: "variable" }>;

/** Every place where the app's text names a variable of the device, by name. */
export function usedVariables(app: Omit<NormalisedApp, "variables">): ReadonlyMap<string, readonly Use[]> {
  const uses = new Map<string, Use[]>();
  const { services, networks, volumes, configs } = app;
  mapStrings({ services, networks, volumes, configs }, (text) => {
    const parsed = text.includes("$") ? parseTemplate(text) : undefined;
    for (const use of parsed?.kind === "ok" ? variablesIn(parsed.value) : [])
      uses.set(use.name, [...(uses.get(use.name) ?? []), use]);
    return text;
  });
  return uses;
}

/**
 * The variables that the app really uses. One without a default whose every use brings a fallback of its own (`${SITE:-oslo}`) gets a
 * default that leaves the decision to the fallbacks, so that a variable without a default is always a required one.
 */
export function settleVariables(
  app: Omit<NormalisedApp, "variables">,
  declared: ReadonlyMap<string, Variable>,
  place: Place,
  problems: Problems,
): Readonly<Record<string, Variable>> {
  const uses = usedVariables(app);
  const secret = new Set(Object.values(app.secrets).map((source) => source.variable));
  const result: Record<string, Variable> = {};
  for (const [name, variable] of declared) {
    const inText = uses.get(name) ?? [];
    if (secret.has(name)) result[name] = variable;
    else if (inText.length > 0) result[name] = withFallback(name, variable, inText, place, problems);
  }
  return result;
}

/** Names that project, group or device must give: those without a default. */
export function requiredVariables(app: Pick<NormalisedApp, "variables">): readonly string[] {
  return Object.entries(app.variables)
    .filter(([, variable]) => variable.default === undefined)
    .map(([name]) => name)
    .toSorted();
}

function withFallback(
  name: string,
  variable: Variable,
  uses: readonly Use[],
  place: Place,
  problems: Problems,
): Variable {
  const needsValue = uses.some((use) => use.operator === undefined || use.operator === "?" || use.operator === ":?");
  if (variable.default !== undefined || needsValue) return variable;
  if (uses.every((use) => use.operator === ":-" || use.operator === ":+")) return { ...variable, default: "" };
  problems.add(
    place,
    "bad-value",
    `${name} is used with - or +, which ask whether it is set: give it a default under x-flotilla: variables:, or use :- and :+`,
  );
  return variable;
}
