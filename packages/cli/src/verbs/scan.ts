import { readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "@flotilla/base/clock";
import { CodedError, isCoded, messageOf } from "@flotilla/base/errors";
import type { Report, Scanner } from "@flotilla/guard/model";
import { builtInPolicy } from "@flotilla/guard/policy/built-in";
import { parsePolicy } from "@flotilla/guard/policy/parse";
import type { Policy } from "@flotilla/guard/policy/policy";
import { formatCycloneDx } from "@flotilla/guard/report/cyclonedx";
import { formatJson } from "@flotilla/guard/report/json";
import { formatTable } from "@flotilla/guard/report/table";
import { scan } from "@flotilla/guard/scan";
import { type Platform, parsePlatform } from "@flotilla/oci/platform";
import { Command, Option } from "commander";
import { chooseStore } from "../advisory-store.ts";
import { Ended, EXIT } from "../exit-codes.ts";
import { note, startProgress } from "../output.ts";
import { registryAccess } from "../registry-access.ts";
import { type Invocation, invocation } from "../session.ts";

const EXAMPLES = `
Targets:
  dir:PATH  docker-archive:FILE  oci:DIR[:TAG]  registry:REFERENCE  docker:REFERENCE  sbom:FILE
  A bare path or reference is guessed.

Exit codes: 0 passed (with or without warnings), 1 blocked by the policy, 2 wrong usage, 3 could not scan.

Examples:
  $ flotilla scan .                                       this folder
  $ flotilla scan docker:shop:1.4                         an image of the local Docker Engine
  $ flotilla scan app.tar --format json -o report.json    a saved image, for scripts
  $ flotilla scan . --format cyclonedx -o bom.json        a bill of materials with vulnerabilities
  $ flotilla scan . --scanners secret                     secrets alone
  $ flotilla scan . --policy policy.yaml --offline        by your own rules, without opening a socket`;

const ALL_SCANNERS: readonly Scanner[] = ["inventory", "vulnerability", "secret"];
const UNIX_SOCKET = /^unix:\/\//;

interface FormatContext {
  readonly colour: boolean;
  readonly nowMs: number;
}

const FORMATS: Readonly<Record<string, (report: Report, context: FormatContext) => string>> = {
  table: formatTable,
  json: formatJson,
  cyclonedx: (report, { nowMs }) => formatCycloneDx(report, { timestampMs: nowMs }),
};

interface ScanFlags {
  readonly format?: string;
  readonly output?: string;
  readonly scanners?: string;
  readonly store?: string;
  readonly policy?: string;
  readonly platform?: string;
  readonly offline?: boolean;
}

export function scanCommand(): Command {
  return new Command("scan")
    .description("Find the packages, vulnerabilities, malware and secrets in an artifact, and say whether it passes.")
    .argument("<target>", "what to scan")
    .addOption(new Option("--format <format>", "how to report (default: table)").choices(Object.keys(FORMATS)))
    .option("-o, --output <file>", "write the report to a file")
    .option("--scanners <names>", `what to look for: ${ALL_SCANNERS.join(",")} (default: all)`)
    .option("--store <file>", "another advisory store (see flotilla db)")
    .option("--policy <file>", "rules for the verdict, YAML (default: the built-in policy)")
    .option("--platform <os/arch>", "which image of several (default: this machine's)")
    .option("--offline", "never open a socket")
    .addHelpText("after", EXAMPLES)
    .action((target: string, flags: ScanFlags, command: Command) => run(invocation(command), target, flags));
}

async function run(call: Invocation, target: string, flags: ScanFlags): Promise<void> {
  const format = flags.format ?? (call.json ? "json" : "table");
  const policy = readPolicy(flags.policy);
  const scanners = parseScanners(flags.scanners);
  const platform = readPlatform(flags.platform);
  const { store } = chooseStore(call.environment, flags.store);
  const report = await scanWithProgress(target, { ...sourceOptions(call, flags, platform), scanners, store, policy });
  const colour = flags.output === undefined && process.stdout.isTTY === true && process.stdout.hasColors();
  const text = FORMATS[format]?.(report, { colour, nowMs: reportTime(call) }) ?? "";
  if (flags.output === undefined) process.stdout.write(text);
  else {
    writeFileSync(flags.output, text);
    note(`${report.verdict.outcome}: ${report.findings.length} findings, written to ${flags.output}`);
  }
  if (report.verdict.outcome === "block") throw new Ended(EXIT.blocked);
}

async function scanWithProgress(target: string, options: Parameters<typeof scan>[1]): Promise<Report> {
  const progress = process.stderr.isTTY ? startProgress() : undefined;
  progress?.update(`scanning ${target}`);
  try {
    return await scan(target, {
      ...options,
      onProgress: ({ what, done, total }) =>
        progress?.update(`scanning ${target}`, `${what} ${done}${total === undefined ? "" : ` of ${total}`}`),
    });
  } catch (error) {
    throw couldNotScan(target, error);
  } finally {
    progress?.done();
  }
}

/** Whatever keeps a target from being read is no verdict: one sentence that names it, and exit code 3. Our own bugs stay as they are. */
function couldNotScan(target: string, error: unknown): unknown {
  if (isCoded(error)) {
    if (error.message.includes(target)) return error;
    return new CodedError(error.code, `could not scan ${target}: ${messageOf(error)}`, { cause: error.cause });
  }
  if (!(error instanceof Error && "code" in error)) return error;
  return new CodedError("target-unreadable", `could not scan ${target}: ${messageOf(error)}`);
}

function sourceOptions(call: Invocation, flags: ScanFlags, platform: Platform | undefined) {
  const dockerHost = call.environment.variables.DOCKER_HOST ?? "";
  return {
    ...(flags.offline ? { offline: true } : { registry: registryAccess(call.environment) }),
    ...(UNIX_SOCKET.test(dockerHost) ? { dockerSocket: dockerHost.replace(UNIX_SOCKET, "") } : {}),
    ...(platform === undefined ? {} : { platform }),
  };
}

function parseScanners(list: string | undefined): readonly Scanner[] {
  if (list === undefined) return ALL_SCANNERS;
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !ALL_SCANNERS.some((scanner) => scanner === name));
  if (unknown !== undefined)
    throw new CodedError("usage", `there is no scanner "${unknown}"; choose from ${ALL_SCANNERS.join(", ")}`);
  return ALL_SCANNERS.filter((scanner) => names.includes(scanner));
}

function readPlatform(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined;
  const platform = parsePlatform(text);
  if (platform === undefined) throw new CodedError("usage", `${text} is not a platform; write it as linux/arm64`);
  return platform;
}

function readPolicy(file: string | undefined): Policy {
  if (file === undefined) return builtInPolicy;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CodedError("usage", `cannot read the policy ${file}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return parsePolicy(text, file);
  } catch (error) {
    if (!isCoded(error, "policy-invalid")) throw error;
    throw new CodedError("usage-policy", error.message, { cause: error });
  }
}

/** The time that reports bear: `SOURCE_DATE_EPOCH`, so that equal artifacts give equal reports, else now. */
function reportTime(call: Invocation): number {
  const epoch = call.environment.variables.SOURCE_DATE_EPOCH ?? "";
  return /^\d{1,12}$/.test(epoch) ? Number(epoch) * 1000 : systemClock.now();
}
