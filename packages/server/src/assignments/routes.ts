import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { ProjectParams } from "@flotilla/protocol/api/devices";
import {
  Assignment,
  AssignmentList,
  AssignmentListQuery,
  DeleteAssignmentQuery,
  SetAssignmentRequest,
} from "@flotilla/protocol/api/rollouts";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import { requireDevice, toKnownDevice } from "../devices/devices.ts";
import { formatSelector, parseSelector } from "../devices/selector.ts";
import { actorOf } from "../http/actor.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import type { KnownRelease, Releases } from "../releases/port.ts";
import { listAssignments } from "./list.ts";
import { pinDevice, unassignDevice } from "./pin.ts";
import { settleSelector, unsettleSelector } from "./standing.ts";

const PATH = "/api/v1/projects/:project/assignments";
const MANAGE = { access: { permission: "rollout:manage" } } as const;
const tags = ["assignments"];

/** What devices should run, as people set it without a rollout. */
export function registerAssignments(app: App, context: Context, releases: Releases): void {
  registerList(app, context);
  registerSet(app, context, releases);
  registerDelete(app, context);
}

function registerList(app: App, context: Context): void {
  app.get(
    PATH,
    {
      config: { access: { permission: "rollout:read" }, etag: true },
      schema: {
        tags,
        operationId: "listAssignments",
        summary: "Standing assignments of selectors, or those of one device",
        params: ProjectParams,
        querystring: AssignmentListQuery,
        response: { 200: AssignmentList, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async ({ params, query }) => listAssignments(context.database.read, params.project, query),
  );
}

function registerSet(app: App, context: Context, releases: Releases): void {
  app.put(
    PATH,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "setAssignment",
        summary: "Give a release to a device (pinned) or to all that match a selector, without phases",
        params: ProjectParams,
        body: SetAssignmentRequest,
        response: { 200: Assignment, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { project } = request.params;
      const { app: name } = request.body;
      const release = await requireRelease(releases, project, name, request.body.release);
      const actor = actorOf(context, request);
      const now = toInstant(context.clock.now());
      const of = oneOf(request.body);
      const answer = { app: name, release: release.digest, assignedAt: now };
      if (of.kind === "selector") {
        const selector = formatSelector(parseSelector(of.selector));
        await settleSelector(context, { project, app: name, release: release.digest, selector, actor, now });
        return { ...answer, selector, source: "settled" as const };
      }
      const device = await context.database.write(async (trx) => {
        const known = toKnownDevice(await requireDevice(trx, project, of.device));
        await pinDevice(trx, context, { device: known, app: name, release: release.digest, actor, now });
        return known.id;
      });
      return { ...answer, device, source: "pin" as const };
    },
  );
}

function registerDelete(app: App, context: Context): void {
  app.delete(
    PATH,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "deleteAssignment",
        summary: "Take an assignment away; what was settled for a selector takes its place, else the app goes",
        params: ProjectParams,
        querystring: DeleteAssignmentQuery,
        response: { 204: Type.Null(), ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const { app: name } = request.query;
      const actor = actorOf(context, request);
      const now = toInstant(context.clock.now());
      const of = oneOf(request.query);
      const found =
        of.kind === "selector"
          ? await unsettleSelector(context, {
              project,
              app: name,
              selector: formatSelector(parseSelector(of.selector)),
              actor,
              now,
            })
          : await context.database.write(async (trx) => {
              const device = toKnownDevice(await requireDevice(trx, project, of.device));
              return unassignDevice(trx, context, { device, app: name, actor, now });
            });
      if (!found) throw new CodedError("not-found", `${name} is not assigned there`);
      return reply.status(204).send(null);
    },
  );
}

/** The release of this digest or tag; throws `not-found`. */
export async function requireRelease(
  releases: Releases,
  project: string,
  app: string,
  digestOrTag: string,
): Promise<KnownRelease> {
  const release = await releases.find(project, app, digestOrTag);
  if (release === undefined)
    throw new CodedError("not-found", `app ${app} of project ${project} has no release ${digestOrTag}`);
  return release;
}

type Of =
  | { readonly kind: "device"; readonly device: string }
  | { readonly kind: "selector"; readonly selector: string };

function oneOf({ device, selector }: { readonly device?: string; readonly selector?: string }): Of {
  if (device !== undefined && selector === undefined) return { kind: "device", device };
  if (selector !== undefined && device === undefined) return { kind: "selector", selector };
  throw new CodedError("invalid-request", "name either a device or a selector");
}
