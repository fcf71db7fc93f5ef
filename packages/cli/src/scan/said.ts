import { readFileSync, statSync } from "node:fs";
import { CodedError, isCoded, messageOf } from "@flotilla/base/errors";
import type { Problem } from "@flotilla/guard/model";
import { builtInPolicy } from "@flotilla/guard/policy/built-in";
import { parsePolicy } from "@flotilla/guard/policy/parse";
import type { Policy } from "@flotilla/guard/policy/policy";
import { readVex, type VexStatement } from "@flotilla/guard/vex/statements";
import { parseWaivers, type Waiver } from "@flotilla/guard/vex/waivers";

const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** What people say of findings, as the command's files hold it. */
export interface SaidFiles {
  readonly waivers: readonly Waiver[];
  readonly statements: readonly VexStatement[];
  /** What in the files was not understood. */
  readonly problems: readonly Problem[];
}

/** The policy of a file, or the built-in one. A file that is wrong is wrong usage and names its lines. */
export function readPolicy(file: string | undefined): Policy {
  if (file === undefined) return builtInPolicy;
  return refuseAsUsage("policy", () => parsePolicy(readInput("policy", file).toString("utf8"), file));
}

/** Waiver files (YAML) and VEX documents (OpenVEX, CycloneDX). */
export function readSaid(waiverFiles: readonly string[], vexFiles: readonly string[]): SaidFiles {
  const waivers = waiverFiles.flatMap((file) =>
    refuseAsUsage("waivers", () => parseWaivers(readInput("waivers", file).toString("utf8"), file)),
  );
  const documents = vexFiles.map((file) => refuseAsUsage("vex", () => readVex(readInput("VEX document", file), file)));
  return {
    waivers,
    statements: documents.flatMap(({ statements }) => statements),
    problems: documents.flatMap(({ problems }) => problems),
  };
}

/** The bytes of a file that an option names. */
export function readInput(what: string, file: string): Buffer {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new RangeError(`larger than ${MAX_FILE_BYTES} bytes`);
    return readFileSync(file);
  } catch (error) {
    throw new CodedError("usage", `cannot read the ${what} ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** What is wrong inside a file that an option names is wrong usage. */
export function refuseAsUsage<T>(kind: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isCoded(error) || !error.code.endsWith("-invalid")) throw error;
    throw new CodedError(`usage-${kind}`, error.message, { cause: error });
  }
}
