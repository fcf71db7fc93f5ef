import { ProjectParams } from "@flotilla/protocol/api/devices";
import {
  AbortRolloutRequest,
  CreateRolloutRequest,
  PauseRolloutRequest,
  Rollout,
  RolloutDeviceList,
  RolloutDeviceQuery,
  RolloutList,
  RolloutListQuery,
  RolloutParams,
} from "@flotilla/protocol/api/rollouts";
import { Type } from "typebox";
import { requireRelease } from "../assignments/routes.ts";
import type { Context } from "../context.ts";
import { actorOf } from "../http/actor.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import type { Releases } from "../releases/port.ts";
import { abortRollout, createRollout, pauseRollout, requireRollout, resumeRollout } from "./change.ts";
import type { RolloutsTable } from "./tables.ts";
import { listMembers, listRollouts, viewRollouts } from "./view.ts";

const PATH = "/api/v1/projects/:project/rollouts";
const READ = { access: { permission: "rollout:read" }, etag: true } as const;
const MANAGE = { access: { permission: "rollout:manage" } } as const;
const tags = ["rollouts"];

/** Rollouts as people see and steer them. */
export function registerRollouts(app: App, context: Context, releases: Releases): void {
  registerReading(app, context);
  registerCreating(app, context, releases);
  registerSteering(app, context);
}

function registerReading(app: App, context: Context): void {
  const { read } = context.database;
  app.get(
    PATH,
    {
      config: READ,
      schema: {
        tags,
        operationId: "listRollouts",
        summary: "Rollouts, newest first",
        params: ProjectParams,
        querystring: RolloutListQuery,
        response: { 200: RolloutList, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async ({ params, query }) => listRollouts(read, params.project, query),
  );
  app.get(
    `${PATH}/:rollout`,
    {
      config: READ,
      schema: {
        tags,
        operationId: "getRollout",
        summary: "One rollout: phases, devices by outcome, and why it stopped",
        params: RolloutParams,
        response: { 200: Rollout, ...problemResponses(401, 403, 404) },
      },
    },
    async ({ params }) => view(context, await requireRollout(read, params.project, params.rollout)),
  );
  app.get(
    `${PATH}/:rollout/devices`,
    {
      config: READ,
      schema: {
        tags,
        operationId: "listRolloutDevices",
        summary: "Devices of a rollout in the order they are reached, each with what became of it",
        params: RolloutParams,
        querystring: RolloutDeviceQuery,
        response: { 200: RolloutDeviceList, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async ({ params, query }) => listMembers(read, await requireRollout(read, params.project, params.rollout), query),
  );
}

function registerCreating(app: App, context: Context, releases: Releases): void {
  app.post(
    PATH,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "createRollout",
        summary: "Roll a release out to the devices that match a selector, phase by phase",
        params: ProjectParams,
        body: CreateRolloutRequest,
        response: { 201: Rollout, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const release = await requireRelease(releases, project, request.body.app, request.body.release);
      const actor = actorOf(context, request);
      const row = await createRollout(context, release, { request: request.body, actor });
      return reply.status(201).send(await view(context, row));
    },
  );
}

function registerSteering(app: App, context: Context): void {
  const answers = { 200: Rollout, ...problemResponses(400, 401, 403, 404, 409) };
  app.post(
    `${PATH}/:rollout/pause`,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "pauseRollout",
        summary: "Start no more devices until it is resumed",
        params: RolloutParams,
        body: Type.Union([PauseRolloutRequest, Type.Null()]),
        response: answers,
      },
    },
    async (request) => {
      const change = { ...request.params, actor: actorOf(context, request) };
      return view(context, await pauseRollout(context, change, request.body?.message));
    },
  );
  app.post(
    `${PATH}/:rollout/resume`,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "resumeRollout",
        summary: "Go on with a paused rollout",
        params: RolloutParams,
        response: answers,
      },
    },
    async (request) =>
      view(context, await resumeRollout(context, { ...request.params, actor: actorOf(context, request) })),
  );
  app.post(
    `${PATH}/:rollout/abort`,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "abortRollout",
        summary: "End a rollout for good; devices that it changed go back unless told otherwise",
        params: RolloutParams,
        body: Type.Union([AbortRolloutRequest, Type.Null()]),
        response: answers,
      },
    },
    async (request) => {
      const { restore = true, message } = request.body ?? {};
      const change = { ...request.params, actor: actorOf(context, request) };
      return view(context, await abortRollout(context, change, { restore, message }));
    },
  );
}

async function view(context: Context, row: RolloutsTable): Promise<Rollout> {
  const [rollout] = await viewRollouts(context.database.read, row.project, [row]);
  if (rollout === undefined) throw new Error("a rollout row without a view");
  return rollout;
}
