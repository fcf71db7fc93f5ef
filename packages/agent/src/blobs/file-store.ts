import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError, messageOf } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import { sha256 } from "@flotilla/oci/hash";
import type { Store } from "../ports.ts";
import { isAbsent, syncFolder, writeSynced } from "./durable.ts";

/**
 * One JSON value in a file with its checksum. Each save keeps the generation before it as `<path>.previous`, which is read when the newest
 * is missing or damaged.
 */
export function createFileStore(path: string, log: Log): Store {
  const previous = `${path}.previous`;
  return {
    async load() {
      const newest = await readGeneration(path);
      if (newest.kind === "whole") return newest.value;
      const older = await readGeneration(previous);
      if (older.kind === "whole") {
        log.warn(
          { path, reason: reasonOf(newest) },
          "the journal is damaged or missing; the generation before it is used",
        );
        return older.value;
      }
      if (newest.kind === "absent" && older.kind === "absent") return undefined;
      throw new CodedError("journal-damaged", `${path}: ${reasonOf(newest)}; ${previous}: ${reasonOf(older)}`);
    },
    async save(value) {
      const text = JSON.stringify(value);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeSynced(`${path}.tmp`, JSON.stringify({ checksum: sha256(text), value }));
      await rename(path, previous).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      });
      await rename(`${path}.tmp`, path);
      await syncFolder(dirname(path));
    },
  };
}

type Generation =
  | { readonly kind: "whole"; readonly value: unknown }
  | { readonly kind: "absent" }
  | { readonly kind: "damaged"; readonly reason: string };

async function readGeneration(path: string): Promise<Generation> {
  try {
    const { checksum, value } = JSON.parse(await readFile(path, "utf8")) as { checksum?: unknown; value?: unknown };
    if (checksum !== sha256(JSON.stringify(value))) return { kind: "damaged", reason: "its checksum is wrong" };
    return { kind: "whole", value };
  } catch (error) {
    return isAbsent(error) ? { kind: "absent" } : { kind: "damaged", reason: messageOf(error) };
  }
}

function reasonOf(generation: Exclude<Generation, { kind: "whole" }>): string {
  return generation.kind === "absent" ? "there is none" : generation.reason;
}
