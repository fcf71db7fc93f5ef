import { formatBytes } from "@flotilla/base/units";
import type { Port } from "@flotilla/compose/app";
import { checkFeatures } from "./features.ts";
import type { Blobs, EngineFacts, EngineState, Host } from "./ports.ts";
import { digestOf } from "./release.ts";
import type { ImageInstance, Instance } from "./spec.ts";
import { placesOf } from "./survey.ts";

/** The engine extracts a layer and may keep a temporary copy of what it is handed beside it. */
const COPIES = 2;
/** A compressed layer grows about this much; what it really grows to is not known before it is read. */
const EXPANSION = 2.5;
/** This much of the disk stays free, whatever is asked. */
const WATERMARK_SHARE = 0.05;
const WATERMARK_MIN_BYTES = 64 * 1024 * 1024;
const WATERMARK_MAX_BYTES = 1024 * 1024 * 1024;
const MAX_PORT_RANGE = 1000;

/** Why a release is not even tried. `mayPass`: it is checked again later, since the reason can go away by itself. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly mayPass: boolean;
}

/** What the checks are made on. */
export interface PreflightFacts {
  readonly engine: EngineFacts;
  readonly freeBytes: number;
  readonly diskBytes: number;
  readonly missing: readonly MissingLayer[];
  /** What is fetched in the switch, after these bytes were freed: all that is missing then. */
  readonly late?: { readonly missing: readonly MissingLayer[]; readonly freedBytes: number };
  readonly takenPorts: readonly HostPort[];
}

export interface MissingLayer {
  readonly sizeBytes: number;
  readonly compressed: boolean;
  /** Whether its blob is on the device and only the engine lacks it. */
  readonly fetched: boolean;
}

export interface HostPort {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly hostIp?: string;
  readonly service: string;
}

/** The first reason that `instance` cannot run on this device, or undefined. Pure. */
export function checkPreflight(instance: Instance, facts: PreflightFacts): Refusal | undefined {
  return checkFeatures(instance, facts.engine) ?? checkMemory(instance, facts) ?? checkPorts(facts) ?? checkDisk(facts);
}

/** Bytes of disk that bringing in `missing` needs at its worst moment. */
export function neededBytes(missing: readonly MissingLayer[]): number {
  return missing.reduce((sum, layer) => {
    const extracted = layer.sizeBytes * (layer.compressed ? EXPANSION : 1) * COPIES;
    return sum + extracted + (layer.fetched ? 0 : layer.sizeBytes);
  }, 0);
}

/** What must stay free of a disk of this size. */
export function watermarkBytes(diskBytes: number): number {
  return Math.min(WATERMARK_MAX_BYTES, Math.max(WATERMARK_MIN_BYTES, diskBytes * WATERMARK_SHARE));
}

/** Layers of images that the engine lacks. A layer that two of them share counts once, those in `but` do not count. */
export async function missingLayers(
  images: readonly ImageInstance[],
  blobs: Blobs,
  but?: ReadonlySet<string>,
): Promise<readonly MissingLayer[]> {
  const layers = new Map(images.flatMap(({ platform }) => platform.layers).map((layer) => [layer.digest, layer]));
  const missing: MissingLayer[] = [];
  for (const layer of layers.values()) {
    if (but?.has(layer.digest)) continue;
    missing.push({
      sizeBytes: layer.sizeBytes,
      compressed: layer.digest !== layer.diffId,
      fetched: await blobs.has(digestOf(layer.digest)),
    });
  }
  return missing;
}

/**
 * Bytes that removing `images` frees, where `others` stay: a layer that goes counts its blob, and the least that the engine made of it.
 */
export async function freedBytes(
  images: readonly ImageInstance[],
  others: readonly ImageInstance[],
  blobs: Blobs,
): Promise<number> {
  const kept = new Set(others.flatMap(({ platform }) => platform.layers).map(({ digest }) => digest));
  const layers = (await missingLayers(images, blobs, kept)).map(
    ({ sizeBytes, fetched }) => sizeBytes * (fetched ? 2 : 1),
  );
  return layers.reduce((sum, bytes) => sum + bytes, 0);
}

/** Host ports that `instance` asks for and that something else holds. What our own containers of this app hold now will be given up. */
export async function takenPorts(
  instance: Instance,
  running: Instance | undefined,
  current: EngineState,
  host: Host,
): Promise<readonly HostPort[]> {
  const held = running === undefined ? [] : heldPorts(running, current);
  const taken: HostPort[] = [];
  for (const wanted of hostPorts(instance)) {
    if (held.some((own) => own.port === wanted.port && own.protocol === wanted.protocol)) continue;
    if (!(await host.portIsFree(wanted.port, wanted.protocol, wanted.hostIp))) taken.push(wanted);
  }
  return taken;
}

/** The host ports that an instance publishes at fixed numbers. */
export function hostPorts(instance: Instance): readonly HostPort[] {
  return instance.services.flatMap(({ name, service }) => service.ports.flatMap((port) => portsOf(name, port)));
}

function heldPorts(running: Instance, current: EngineState): readonly HostPort[] {
  const services = new Set(
    placesOf(running, current)
      .filter(({ container }) => container?.state === "running" || container?.state === "restarting")
      .map(({ service }) => service.name),
  );
  return hostPorts(running).filter(({ service }) => services.has(service));
}

function portsOf(service: string, port: Port): readonly HostPort[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(port.published ?? "");
  if (match === null || port.protocol === "sctp") return [];
  const first = Number(match[1]);
  // A range means: any one port of it (compose-spec, ports, "published"); only a single port can be checked.
  if (match[2] !== undefined && Number(match[2]) - first > 0 && Number(match[2]) - first < MAX_PORT_RANGE) return [];
  if (first === 0) return [];
  const { protocol, hostIp } = port;
  return [{ port: first, protocol, service, ...(hostIp === undefined || hostIp === "" ? {} : { hostIp }) }];
}

function checkMemory(instance: Instance, facts: PreflightFacts): Refusal | undefined {
  const sum = (of: "memoryBytes" | "memoryReservationBytes") =>
    instance.services.reduce(
      (total, { service, replicas }) => total + (service.resources[of] ?? 0) * replicas.length,
      0,
    );
  const needed = Math.max(sum("memoryBytes"), sum("memoryReservationBytes"));
  if (needed <= facts.engine.memoryBytes) return undefined;
  return refusal(
    "memory",
    `its services may use ${formatBytes(needed)} of memory together, this device has ${formatBytes(facts.engine.memoryBytes)}`,
  );
}

function checkPorts(facts: PreflightFacts): Refusal | undefined {
  const taken = facts.takenPorts[0];
  if (taken === undefined) return undefined;
  return refusal(
    "port-taken",
    `service ${taken.service}: ${taken.protocol} port ${taken.port} of the host is in use`,
    true,
  );
}

function checkDisk(facts: PreflightFacts): Refusal | undefined {
  const spare = facts.freeBytes - watermarkBytes(facts.diskBytes);
  const { late } = facts;
  return lacking(facts.missing, spare, facts) ?? (late && lacking(late.missing, spare + late.freedBytes, facts));
}

function lacking(missing: readonly MissingLayer[], spare: number, facts: PreflightFacts): Refusal | undefined {
  const needed = neededBytes(missing);
  if (needed === 0) return undefined;
  if (needed <= spare) return undefined;
  return refusal(
    "disk",
    `it needs ${formatBytes(needed)} of disk, ${formatBytes(Math.max(0, spare))} may be used ` +
      `(${formatBytes(facts.freeBytes)} free, ${formatBytes(watermarkBytes(facts.diskBytes))} kept)`,
    true,
  );
}

function refusal(code: string, reason: string, mayPass = false): Refusal {
  return { code, reason, mayPass };
}
