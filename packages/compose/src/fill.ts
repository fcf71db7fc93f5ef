import type { NormalisedApp } from "./app.ts";
import { mapStrings } from "./strings.ts";
import { type Failure, parseTemplate, renderTemplate } from "./template.ts";

/** The app of one device, or why it cannot be made. */
export type FillResult =
  | { readonly kind: "filled"; readonly app: NormalisedApp; readonly secrets: Readonly<Record<string, string>> }
  | { readonly kind: "refused"; readonly problems: readonly FillProblem[] };

export interface FillProblem {
  /** `missing-variable`, or `bad-value` when a filled text cannot stand where it stands. */
  readonly code: "missing-variable" | "bad-value";
  /** Path of the field, or the name of the secret. */
  readonly field: string;
  /** The variable that is missing. */
  readonly name?: string;
  readonly message: string;
}

/**
 * Fills the variables of a device: every text of the result is plain (no templates). `values` are merged from project, group and device;
 * defaults fill what they leave out. `secrets` are the values of the app's secrets, by the secret's name.
 */
export function fillVariables(app: NormalisedApp, values: Readonly<Record<string, string>>): FillResult {
  const problems: FillProblem[] = [];
  const lookup = (name: string): string | undefined => {
    const variable = Object.hasOwn(app.variables, name) ? app.variables[name] : undefined;
    if (variable === undefined) return undefined;
    return Object.hasOwn(values, name) ? values[name] : variable.default;
  };
  const fill = (text: string, path: string): string => {
    if (!text.includes("$")) return text;
    const parsed = parseTemplate(text);
    const result = parsed.kind === "ok" ? renderTemplate(parsed.value, lookup) : parsed;
    if (result.kind === "ok") return result.value;
    problems.push(describe(result.failure, path));
    return text;
  };
  const { services, networks, volumes, configs } = app;
  const filled = mapStrings({ services, networks, volumes, configs }, fill);
  const secrets: Record<string, string> = {};
  for (const [name, source] of Object.entries(app.secrets)) {
    const value = lookup(source.variable);
    if (value === undefined) problems.push(missing(source.variable, `secrets.${name}`));
    else secrets[name] = value;
  }
  const result: NormalisedApp = { ...app, ...filled };
  problems.push(...checkFilled(result));
  return problems.length === 0 ? { kind: "filled", app: result, secrets } : { kind: "refused", problems };
}

function describe(failure: Failure, field: string): FillProblem {
  switch (failure.kind) {
    case "unset":
      return missing(failure.name, field);
    case "required":
      return {
        ...missing(failure.name, field),
        message: failure.message || `the variable ${failure.name} must be set`,
      };
    case "syntax":
      return { code: "bad-value", field, message: failure.message };
    case "too-long":
      return { code: "bad-value", field, message: "the filled text is too long" };
  }
}

function missing(name: string, field: string): FillProblem {
  return {
    code: "missing-variable",
    field,
    name,
    message: `the variable ${name} has no value: set it for the project, a group or the device`,
  };
}

/** What a device's values may have broken. Values are not shown: they may be secret. */
function checkFilled(app: NormalisedApp): readonly FillProblem[] {
  return Object.entries(app.services).flatMap(([name, service]) => {
    const field = `services.${name}`;
    const ports = service.ports.filter(({ published }) => published !== undefined && !isPort(published));
    const binds = service.mounts.filter((mount) => mount.kind === "bind" && !isAbsolute(mount.source));
    const devices = service.devices.filter((device) => !isAbsolute(device.source) || !isAbsolute(device.target));
    return [
      ...ports.map(() => bad(`${field}.ports`, "a published port is a number from 0 to 65535, or a range")),
      ...binds.map((mount) => bad(`${field}.mounts`, `the source of ${mount.target} is not an absolute path`)),
      ...devices.map(() => bad(`${field}.devices`, "a device is an absolute path")),
    ];
  });
}

function isPort(text: string): boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  return match !== null && last <= 65_535 && first <= last;
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") && !path.split("/").includes("..") && !path.includes("\0");
}

function bad(field: string, message: string): FillProblem {
  return { code: "bad-value", field, message };
}
