import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { parseObject } from "./manifest.ts";
import type { Platform } from "./platform.ts";

/** Largest image config that is read. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** What we use of an image's config (image-spec, config.md; the health check is Docker's). */
export interface ImageConfig {
  readonly platform: Platform;
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly Digest[];
  readonly created?: string;
  readonly run: RunConfig;
}

/** How a container of the image starts unless told otherwise. Durations are nanoseconds, as in the document. */
export interface RunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly Healthcheck?: {
    readonly Test?: readonly string[];
    readonly Interval?: number;
    readonly Timeout?: number;
    readonly StartPeriod?: number;
    readonly Retries?: number;
  };
}

/** The config in `bytes`; throws `CodedError("config-invalid")`. Only the fields that place the image are checked; the rest is as written. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  if (bytes.length > MAX_CONFIG_BYTES) throw invalid(`larger than ${MAX_CONFIG_BYTES} bytes`);
  const document = parseObject(bytes);
  const { os, architecture, variant, rootfs, config, created } = document;
  if (typeof os !== "string" || typeof architecture !== "string") throw invalid("no os or architecture");
  return {
    platform: { os, architecture, ...(typeof variant === "string" && variant !== "" ? { variant } : {}) },
    diffIds: parseDiffIds(rootfs),
    ...(typeof created === "string" ? { created } : {}),
    run: typeof config === "object" && config !== null ? (config as RunConfig) : {},
  };
}

function parseDiffIds(rootfs: unknown): readonly Digest[] {
  const ids = typeof rootfs === "object" && rootfs !== null ? (rootfs as { diff_ids?: unknown }).diff_ids : undefined;
  if (ids === undefined || ids === null) return [];
  if (!Array.isArray(ids)) throw invalid("rootfs.diff_ids is not a list");
  return ids.map((id, index) => {
    const digest = typeof id === "string" ? parseDigest(id) : undefined;
    if (digest === undefined) throw invalid(`rootfs.diff_ids[${index}] is not a digest`);
    return digest;
  });
}

function invalid(why: string): CodedError {
  return new CodedError("config-invalid", `image config: ${why}`);
}
