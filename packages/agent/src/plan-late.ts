import type { Digest } from "@flotilla/base/digest";
import type { Context } from "./plan.ts";
import { removeContainers, stopSteps } from "./plan-parts.ts";
import type { EngineContainer } from "./ports.ts";
import { LABELS } from "./ports.ts";
import type { ImageInstance, Instance } from "./spec.ts";
import type { Step } from "./step.ts";
import { type Current, placesOf } from "./survey.ts";

/**
 * Images of services that delete before they download and that the committed release has too: they are fetched in the switch, once the old
 * ones are gone. One that another service needs as well is not among them.
 */
export function lateImages(target: Instance, committed: Instance | undefined): ReadonlySet<Digest> {
  const isLate = ({ name, service }: Instance["services"][number]) =>
    service.strategy === "delete-then-download" && committed?.services.some((other) => other.name === name) === true;
  const early = new Set(target.services.filter((service) => !isLate(service)).flatMap(imagesOfService));
  return new Set(
    target.services
      .filter(isLate)
      .flatMap(imagesOfService)
      .filter((image) => !early.has(image)),
  );
}

/** Images of the committed release that only those of its services need whose new images are `fetched`. */
export function imagesToGiveUp(
  target: Instance,
  committed: Instance | undefined,
  fetched: ReadonlySet<Digest>,
): readonly Digest[] {
  if (committed === undefined) return [];
  const names = servicesOf(target, fetched);
  const kept = new Set([
    ...target.images.map(({ config }) => config),
    ...committed.services.filter(({ name }) => !names.has(name)).flatMap(imagesOfService),
  ]);
  return committed.images.map(({ config }) => config).filter((config) => !kept.has(config));
}

/**
 * The old containers of services that delete before they download stop and go, then their images, then the new images come. Nothing once
 * the new images are here: a crash in between is planned to the same end.
 */
export function planLate(target: Instance, current: Current, context: Context): readonly Step[] {
  const committed = context.committedInstance;
  const late = lateImages(target, committed);
  const places = placesOf(target, current);
  const fetched = new Set(
    places
      .filter(({ container, replica }) => container === undefined && late.has(replica.image))
      .map(({ replica }) => replica.image)
      .filter((image) => !context.images.has(image)),
  );
  if (fetched.size === 0) return [];
  const names = servicesOf(target, fetched);
  const kept = new Set(places.map(({ container }) => container?.id));
  const leaving = current.containers.filter(
    ({ id, labels }) => !kept.has(id) && names.has(labels[LABELS.service] ?? ""),
  );
  const stops = stopSteps(leaving, committed);
  if (stops.length > 0) return stops;
  const images = imagesToGiveUp(target, committed, fetched);
  return [
    ...removeContainers(leaving),
    ...(images.length === 0 ? [] : [{ kind: "give-up", side: "committed", images } as const]),
    ...bringImages(target.images.filter(({ config }) => fetched.has(config))),
  ];
}

/** The way back of {@link planLate}: what is left of the attempt goes, then the images that were given up for it come again. */
export function planLateBack(
  committed: Instance,
  fresh: readonly EngineContainer[],
  wanted: ReadonlySet<Digest>,
): readonly Step[] {
  return [
    ...removeContainers(fresh),
    { kind: "give-up", side: "attempt", images: [] },
    ...bringImages(committed.images.filter(({ config }) => wanted.has(config))),
  ];
}

/** Fetches `images` and hands them to the engine. */
export function bringImages(images: readonly ImageInstance[]): readonly Step[] {
  return [{ kind: "download", images }, ...images.map((image): Step => ({ kind: "load-image", image }))];
}

function servicesOf(target: Instance, images: ReadonlySet<Digest>): ReadonlySet<string> {
  return new Set(
    target.services
      .filter((service) => imagesOfService(service).some((image) => images.has(image)))
      .map(({ name }) => name),
  );
}

function imagesOfService({ replicas }: Instance["services"][number]): readonly Digest[] {
  return replicas.map(({ image }) => image);
}
