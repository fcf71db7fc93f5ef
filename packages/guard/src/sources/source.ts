import type { CredentialSource } from "@flotilla/oci/client";
import type { HttpSend } from "@flotilla/oci/http/send";
import type { Platform } from "@flotilla/oci/platform";
import type { Wanted } from "../collector.ts";
import type { Inventory } from "../model.ts";
import type { ScanPool } from "../pool.ts";

/** How far a scan is. */
export interface ScanProgress {
  /** What is read: `layer 3 of 7`, `files`. */
  readonly what: string;
  readonly done: number;
  /** Undefined while it is not known. */
  readonly total: number | undefined;
}

/** What sources need of their surroundings; everything may be left out. */
export interface SourceOptions {
  /** For `registry:` references without a host, and for what a registry asks. */
  readonly registry?: RegistryAccess;
  /** Path of the Docker Engine's socket, for `docker:`. */
  readonly dockerSocket?: string;
  /** Which image of several; the machine's own when left out. */
  readonly platform?: Platform;
  /** Never opens a socket: `registry:` and `docker:` are refused with `CodedError("offline")`. */
  readonly offline?: boolean;
  /** Threads to scan layers on. */
  readonly pool?: ScanPool;
  readonly onProgress?: (progress: ScanProgress) => void;
  readonly signal?: AbortSignal;
}

/** Access to registries. */
export interface RegistryAccess {
  /** `https://host[:port]` of the registry that a reference without a host means. */
  readonly defaultUrl?: string;
  readonly credentials?: (host: string) => CredentialSource;
  readonly ca?: string;
  readonly send?: HttpSend;
}

/** An artifact that was opened. */
export interface Source {
  /** As reports name it. */
  readonly name: string;
  /** Bytes to read at most, where that is known: decides whether threads are worth starting. */
  readonly sizeBytes?: number;
  /** Pieces that could be read side by side. */
  readonly parts: number;
  /** Reads it. Throws `CodedError` when it cannot be read at all; damage inside is a problem of the inventory. */
  inventory(wanted: Wanted, pool: ScanPool | undefined): Promise<Inventory>;
}
