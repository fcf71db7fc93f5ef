import { parseArgs } from "node:util";
import { CodedError } from "@flotilla/base/errors";

/** What was asked for on the command line. */
export type Command =
  | { readonly kind: "run"; readonly config?: string }
  | {
      readonly kind: "enrol";
      readonly config?: string;
      readonly json: boolean;
      readonly server: string;
      readonly token: string;
      readonly name?: string;
      readonly stateDir?: string;
      readonly engine?: string;
      readonly again: boolean;
    }
  | { readonly kind: "status"; readonly config?: string; readonly json: boolean }
  | {
      readonly kind: "logs";
      readonly config?: string;
      readonly json: boolean;
      readonly app?: string;
      readonly service?: string;
      readonly lines: number;
    }
  | { readonly kind: "doctor"; readonly config?: string; readonly json: boolean }
  | { readonly kind: "version"; readonly json: boolean }
  | { readonly kind: "help" };

const DEFAULT_LINES = 100;
const OPTIONS = {
  config: { type: "string" },
  json: { type: "boolean" },
  server: { type: "string" },
  token: { type: "string" },
  name: { type: "string" },
  "state-dir": { type: "string" },
  engine: { type: "string" },
  again: { type: "boolean" },
  lines: { type: "string", short: "n" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parse>["values"];

/** Options that each verb takes beside `--help`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  run: ["config"],
  enrol: ["config", "json", "server", "token", "name", "state-dir", "engine", "again"],
  status: ["config", "json"],
  logs: ["config", "json", "lines"],
  doctor: ["config", "json"],
  version: ["json"],
};

/** Reads the arguments after the program's name; throws `usage` with what to write instead. `token` stands in for `--token`. */
export function parseCommand(args: readonly string[], token?: string): Command {
  const { values, positionals } = parse(args);
  const [verb, ...rest] = positionals;
  if (values.help || verb === "help" || (verb === undefined && !values.version)) return { kind: "help" };
  if (values.version && verb === undefined) return { kind: "version", json: values.json ?? false };
  const allowed = ALLOWED[verb ?? ""];
  if (allowed === undefined) throw usage(`there is no command "${verb}"`);
  for (const name of Object.keys(values))
    if (!allowed.includes(name)) throw usage(`"${verb}" takes no option --${name}`);
  if (rest.length > 0 && verb !== "logs") throw usage(`"${verb}" takes no argument "${rest[0]}"`);
  return commandOf(verb ?? "", values, rest, token);
}

function commandOf(verb: string, values: Values, rest: readonly string[], token: string | undefined): Command {
  const common = { ...pick("config", values.config), json: values.json ?? false };
  switch (verb) {
    case "run":
      return { kind: "run", ...pick("config", values.config) };
    case "enrol":
      return {
        kind: "enrol",
        ...common,
        server: required(values.server, "--server https://fleet.example"),
        token: required(values.token ?? token, "--token flp_…, or FLOTILLA_AGENT_TOKEN"),
        ...pick("name", values.name),
        ...pick("stateDir", values["state-dir"]),
        ...pick("engine", values.engine),
        again: values.again ?? false,
      };
    case "logs":
      return { kind: "logs", ...common, ...placeOf(rest), lines: linesOf(values.lines) };
    case "status":
      return { kind: "status", ...common };
    case "doctor":
      return { kind: "doctor", ...common };
    default:
      return { kind: "version", json: values.json ?? false };
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
}

/** `APP` or `APP/SERVICE`. */
function placeOf(rest: readonly string[]): { readonly app?: string; readonly service?: string } {
  const [place, surplus] = rest;
  if (surplus !== undefined) throw usage(`"logs" takes one argument, APP or APP/SERVICE`);
  const [app, service] = (place ?? "").split("/");
  return { ...pick("app", app || undefined), ...pick("service", service) };
}

function linesOf(text: string | undefined): number {
  const lines = text === undefined ? DEFAULT_LINES : Number(text);
  if (!Number.isInteger(lines) || lines < 1 || lines > 10_000) throw usage("--lines is a number from 1 to 10000");
  return lines;
}

function required(value: string | undefined, how: string): string {
  if (value === undefined || value === "") throw usage(`missing ${how}`);
  return value;
}

function pick<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: string });
}

function usage(message: string): CodedError {
  return new CodedError("usage", `${message}; see flotilla-agent --help`);
}
