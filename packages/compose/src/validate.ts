import type { NormalisedApp, Service } from "./app.ts";
import { findCycle } from "./order.ts";
import { sharedServices } from "./service/namespaces.ts";
import { overlapProblems } from "./service/strategy.ts";
import { mapStrings } from "./strings.ts";
import { parseTemplate, variablesIn } from "./template.ts";

/** Something that a normalised app says and that does not hold together. */
export interface AppProblem {
  readonly field: string;
  readonly message: string;
}

/** Labels under this prefix are the agent's own. */
const OWN_LABELS = "io.flotilla.";

/**
 * What the schema of a normalised app cannot say: that names lead somewhere, dependencies end, templates can be read and name declared
 * variables only, and no secret has a default. An app that was read by `parseCompose` has none of these problems.
 */
export function appProblems(app: NormalisedApp): readonly AppProblem[] {
  const problems: AppProblem[] = [];
  for (const [name, service] of Object.entries(app.services)) problems.push(...serviceProblems(app, name, service));
  const cycle = findCycle(app);
  if (cycle !== undefined)
    problems.push({ field: "services", message: `${[...cycle, cycle[0]].join(" → ")} wait for each other` });
  problems.push(...templateProblems(app), ...secretProblems(app));
  return problems;
}

function serviceProblems(app: NormalisedApp, name: string, service: Service): readonly AppProblem[] {
  const field = `services.${name}`;
  const volumes = service.mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.volume] : []));
  const required = Object.keys(service.dependsOn).filter((on) => service.dependsOn[on]?.required === true);
  const names = (list: readonly { readonly source: string }[]) => list.map((mount) => mount.source);
  return [
    ...unknown(Object.keys(service.networks), app.networks, `${field}.networks`),
    ...unknown(volumes, app.volumes, `${field}.mounts`),
    ...unknown(names(service.configs), app.configs, `${field}.configs`),
    ...unknown(names(service.secrets), app.secrets, `${field}.secrets`),
    ...unknown([...required, ...sharedServices(service)], app.services, `${field}.dependsOn`),
    ...Object.keys(service.labels)
      .filter((label) => label.startsWith(OWN_LABELS))
      .map((label) => ({ field: `${field}.labels`, message: `${label} is the agent's own` })),
    ...(service.image.includes("$")
      ? [{ field: `${field}.image`, message: "an image is the same on every device" }]
      : []),
    ...overlapProblems(service).map((message) => ({ field: `${field}.strategy`, message })),
  ];
}

function unknown(names: readonly string[], declared: object, field: string): readonly AppProblem[] {
  return names
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => ({ field, message: `${name} is not declared` }));
}

function templateProblems(app: NormalisedApp): readonly AppProblem[] {
  const problems: AppProblem[] = [];
  const { services, networks, volumes, configs } = app;
  mapStrings({ services, networks, volumes, configs }, (text, field) => {
    if (text.includes("\0")) problems.push({ field, message: "the text holds a NUL character" });
    if (!text.includes("$")) return text;
    const parsed = parseTemplate(text);
    if (parsed.kind === "failed") problems.push({ field, message: "the text is no template" });
    else
      for (const { name } of variablesIn(parsed.value))
        if (!Object.hasOwn(app.variables, name))
          problems.push({ field, message: `the variable ${name} is not declared` });
    return text;
  });
  return problems;
}

function secretProblems(app: NormalisedApp): readonly AppProblem[] {
  return Object.entries(app.secrets).flatMap(([key, { variable }]) => {
    const field = `secrets.${key}`;
    const declared = Object.hasOwn(app.variables, variable) ? app.variables[variable] : undefined;
    if (declared === undefined) return [{ field, message: `the variable ${variable} is not declared` }];
    return declared.default === undefined ? [] : [{ field, message: `the secret ${variable} has a default` }];
  });
}
