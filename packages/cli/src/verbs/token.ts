import { systemClock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { ApiToken, CreatedToken } from "@flotilla/protocol/api/users";
import { Command } from "commander";
import { ago, note, print, printJson, printTable } from "../output.ts";
import { type Invocation, invocation, type Session } from "../session.ts";

const EXAMPLES = `
Examples:
  $ flotilla token create ci --scopes registry:push,release:create,release:read --days 30
  $ flotilla token list
  $ flotilla token revoke ID

Scopes are permissions, e.g. device:read, registry:push, rollout:manage. A token never holds more than its maker.`;

export function tokenCommand(): Command {
  const token = new Command("token")
    .description("API tokens for pipelines and docker login.")
    .addHelpText("after", EXAMPLES);
  token
    .command("create <name>")
    .description("make a token and print it once")
    .requiredOption("--scopes <scopes>", "what it may do, separated by commas")
    .option("--days <count>", "how long it is valid", "90")
    .action((name: string, options: { scopes: string; days: string }, command: Command) =>
      create(invocation(command), name, options),
    );
  token
    .command("list")
    .description("list the tokens of the project")
    .action((_options: unknown, command: Command) => list(invocation(command)));
  token
    .command("revoke <token>")
    .description("end a token at once, by id")
    .action((id: string, _options: unknown, command: Command) => revoke(invocation(command), id));
  return token;
}

function tokensPath(session: Session): string {
  return `/api/v1/projects/${encodeURIComponent(session.project)}/tokens`;
}

async function create(run: Invocation, name: string, options: { scopes: string; days: string }): Promise<void> {
  const session = run.session();
  const expiresInDays = Number(options.days);
  if (!Number.isInteger(expiresInDays) || expiresInDays < 1)
    throw new CodedError("usage", `--days ${options.days}: write a whole number of days`);
  const body = { name, scopes: options.scopes.split(",").map((scope) => scope.trim()), expiresInDays };
  const created = await session.client.post(tokensPath(session), body, CreatedToken);
  if (run.json) return printJson(created);
  note(`${name} is valid until ${created.expiresAt}. It is shown only now:`);
  print(created.token);
}

async function list(run: Invocation): Promise<void> {
  const session = run.session();
  const tokens: ApiToken[] = [];
  for await (const token of session.client.items(tokensPath(session), ApiToken)) tokens.push(token);
  if (run.json) return printJson(tokens);
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    state(token),
    token.scopes.join(","),
    ago(token.createdAt, systemClock.now()),
  ]);
  printTable(
    ["ID", "NAME", "STATE", "SCOPES", "MADE"],
    rows,
    "No tokens. Make one: flotilla token create NAME --scopes …",
  );
}

function state(token: ApiToken): string {
  if (token.revokedAt !== undefined) return "revoked";
  return Date.parse(token.expiresAt) < systemClock.now() ? "expired" : `until ${token.expiresAt.slice(0, 10)}`;
}

async function revoke(run: Invocation, id: string): Promise<void> {
  const session = run.session();
  await session.client.delete(`${tokensPath(session)}/${encodeURIComponent(id)}`);
  if (run.json) return printJson({ revoked: id });
  print(`${id} is revoked`);
}
