import { systemClock } from "@flotilla/base/clock";
import { CodedError, isCoded, messageOf } from "@flotilla/base/errors";
import type { Report, Scanner } from "@flotilla/guard/model";
import type { Policy } from "@flotilla/guard/policy/policy";
import { traceVerdict } from "@flotilla/guard/policy/trace";
import { REPORT_FORMATS } from "@flotilla/guard/report/formats";
import { printable } from "@flotilla/guard/report/text";
import { scan } from "@flotilla/guard/scan";
import { type Platform, parsePlatform } from "@flotilla/oci/platform";
import { Command, InvalidArgumentError, Option } from "commander";
import { chooseStore } from "../advisory-store.ts";
import { Ended, EXIT } from "../exit-codes.ts";
import { note, print, startProgress } from "../output.ts";
import { registryAccess } from "../registry-access.ts";
import { baselineOf } from "../scan/baseline.ts";
import { pairOutputs, type ReportOutput, writeReports } from "../scan/outputs.ts";
import { readPolicy, readSaid } from "../scan/said.ts";
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
  $ flotilla scan . --format sarif -o a.sarif --format html -o a.html
  $ flotilla scan . --scanners secret                     secrets alone
  $ flotilla scan . --new-since origin/main               only what this branch adds decides
  $ flotilla scan . --policy policy.yaml --offline        by your own rules, without opening a socket`;

const ALL_SCANNERS: readonly Scanner[] = ["inventory", "vulnerability", "secret"];
const FORMAT_NAMES = Object.keys(REPORT_FORMATS).join(", ");
const UNIX_SOCKET = /^unix:\/\//;

interface ScanFlags {
  readonly format?: readonly string[];
  readonly output?: readonly string[];
  readonly scanners?: string;
  readonly store?: string;
  readonly policy?: string;
  readonly waivers?: readonly string[];
  readonly vex?: readonly string[];
  readonly newSince?: string;
  readonly explain?: boolean;
  readonly platform?: string;
  readonly offline?: boolean;
}

export function scanCommand(): Command {
  return new Command("scan")
    .description("Find the packages, vulnerabilities, malware and secrets in an artifact, and say whether it passes.")
    .argument("<target>", "what to scan")
    .addOption(
      new Option("--format <format>", `how to report (default: table): ${FORMAT_NAMES}`).argParser(collectFormat),
    )
    .addOption(
      new Option("-o, --output <file>", "write the report of this place's --format to a file").argParser(collect),
    )
    .option("--scanners <names>", `what to look for: ${ALL_SCANNERS.join(",")} (default: all)`)
    .option("--store <file>", "another advisory store (see flotilla db)")
    .option("--policy <file>", "rules for the verdict, YAML (default: the built-in policy)")
    .addOption(new Option("--waivers <file>", "findings that somebody answers for, YAML").argParser(collect))
    .addOption(new Option("--vex <file>", "what others say of vulnerabilities: OpenVEX, CycloneDX").argParser(collect))
    .option("--new-since <report|revision>", "let only what is new decide: since a JSON report, or a git revision")
    .option("--explain", "tell rule by rule how the verdict came about")
    .option("--platform <os/arch>", "which image of several (default: this machine's)")
    .option("--offline", "never open a socket")
    .addHelpText("after", EXAMPLES)
    .action((target: string, flags: ScanFlags, command: Command) => run(invocation(command), target, flags));
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function collectFormat(value: string, before: readonly string[] | undefined): readonly string[] {
  if (!Object.hasOwn(REPORT_FORMATS, value)) throw new InvalidArgumentError(`Allowed choices are ${FORMAT_NAMES}.`);
  return collect(value, before);
}

async function run(call: Invocation, target: string, flags: ScanFlags): Promise<void> {
  const outputs = pairOutputs(flags.format ?? [], flags.output ?? [], call.json ? "json" : "table");
  const policy = readPolicy(flags.policy);
  const { problems, ...said } = readSaid(flags.waivers ?? [], flags.vex ?? []);
  const scanners = parseScanners(flags.scanners);
  const platform = readPlatform(flags.platform);
  const { store } = chooseStore(call.environment, flags.store);
  const nowMs = reportTime(call);
  const options = { ...sourceOptions(call, flags, platform), scanners, store, policy, nowMs };
  const { newSince } = flags;
  const baseline =
    newSince === undefined
      ? {}
      : { baseline: await baselineOf(newSince, target, (folder) => scanWithProgress(folder, options)) };
  const judged = await scanWithProgress(target, { ...options, said, ...baseline });
  const report = { ...judged, problems: [...judged.problems, ...problems] };
  writeReports(report, outputs, nowMs);
  if (flags.explain) explainVerdict(report, policy, nowMs, outputs);
  if (report.verdict.outcome === "block") throw new Ended(EXIT.blocked);
}

/** Under a table for people; beside what scripts read, on standard error. */
function explainVerdict(report: Report, policy: Policy, nowMs: number, outputs: readonly ReportOutput[]): void {
  const scripted = outputs.some(({ format, file }) => file === undefined && format !== "table");
  const say = scripted ? note : print;
  for (const line of ["", ...traceVerdict(policy, report.findings, report.verdict, { nowMs })]) say(printable(line));
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

/** The time that reports bear: `SOURCE_DATE_EPOCH`, so that equal artifacts give equal reports, else now. */
function reportTime(call: Invocation): number {
  const epoch = call.environment.variables.SOURCE_DATE_EPOCH ?? "";
  return /^\d{1,12}$/.test(epoch) ? Number(epoch) * 1000 : systemClock.now();
}
