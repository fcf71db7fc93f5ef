import { readFileSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import { Variable, type VariableScope } from "@flotilla/protocol/api/variables";
import { Command } from "commander";
import { print, printJson, printTable } from "../output.ts";
import { type Invocation, invocation } from "../session.ts";

const EXAMPLES = `
Examples:
  $ flotilla variable set REGION eu                              for every device of the project
  $ flotilla variable set REGION no --selector site=oslo         for a group
  $ flotilla variable set NAME press-7 --device press-7          for one device
  $ flotilla variable set DB_PASSWORD --secret < password.txt    a secret: it can be replaced but never read
  $ flotilla variable list`;

interface ScopeOptions {
  readonly selector?: string;
  readonly device?: string;
}

export function variableCommand(): Command {
  const variable = new Command("variable")
    .description("What releases leave to the device: values of project, group and device.")
    .addHelpText("after", EXAMPLES);
  variable
    .command("list")
    .description("list variables; secret values are not shown")
    .action((_options: unknown, command: Command) => list(invocation(command)));
  variable
    .command("set <name> [value]")
    .description("set a value; without one it is read from standard input")
    .option("--selector <query>", "for the devices of a selector")
    .option("--device <device>", "for one device")
    .option("--priority <number>", "among groups the highest wins", "0")
    .option("--secret", "encrypt it and never show it again")
    .action((name: string, value: string | undefined, options: SetOptions, command: Command) =>
      set(invocation(command), name, value, options),
    );
  variable
    .command("delete <name>")
    .description("take a value away")
    .option("--selector <query>", "that of a selector")
    .option("--device <device>", "that of one device")
    .action((name: string, options: ScopeOptions, command: Command) => remove(invocation(command), name, options));
  return variable;
}

interface SetOptions extends ScopeOptions {
  readonly priority: string;
  readonly secret?: boolean;
}

async function list(run: Invocation): Promise<void> {
  const session = run.session();
  const variables: Variable[] = [];
  for await (const variable of session.client.items(
    `/api/v1/projects/${encodeURIComponent(session.project)}/variables`,
    Variable,
  ))
    variables.push(variable);
  if (run.json) return printJson(variables);
  const rows = variables.map((variable) => [
    variable.name,
    scopeText(variable.scope),
    variable.secret ? "(secret)" : variable.value,
    variable.updatedBy,
  ]);
  printTable(["NAME", "FOR", "VALUE", "SET BY"], rows, "No variables. Set one: flotilla variable set NAME VALUE");
}

function scopeText(scope: VariableScope): string {
  if (scope.kind === "project") return "project";
  return scope.kind === "group" ? `group ${scope.selector}` : `device ${scope.device}`;
}

function scopeOf(options: ScopeOptions): VariableScope {
  if (options.selector !== undefined && options.device !== undefined)
    throw new CodedError("usage", "give --selector or --device, not both");
  if (options.device !== undefined) return { kind: "device", device: options.device };
  return options.selector === undefined ? { kind: "project" } : { kind: "group", selector: options.selector };
}

async function set(run: Invocation, name: string, value: string | undefined, options: SetOptions): Promise<void> {
  const session = run.session();
  const text = value ?? readFileSync(0, "utf8").replace(/\r?\n$/, "");
  const body = {
    scope: scopeOf(options),
    value: text,
    secret: options.secret === true,
    priority: Number(options.priority),
  };
  const path = `/api/v1/projects/${encodeURIComponent(session.project)}/variables/${encodeURIComponent(name)}`;
  const variable = await session.client.put(path, body, Variable);
  if (run.json) return printJson(variable);
  print(`${variable.name} is set for ${scopeText(variable.scope)}`);
}

async function remove(run: Invocation, name: string, options: ScopeOptions): Promise<void> {
  const session = run.session();
  const scope = scopeOf(options);
  const path = `/api/v1/projects/${encodeURIComponent(session.project)}/variables/${encodeURIComponent(name)}`;
  await session.client.delete(path, {
    query: { scope: scope.kind, selector: options.selector, device: options.device },
  });
  if (run.json) return printJson({ deleted: name, scope });
  print(`${name} is no longer set for ${scopeText(scope)}`);
}
