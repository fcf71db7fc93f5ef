import { CodedError } from "@flotilla/base/errors";
import {
  CreatedProvisioningToken,
  CreateProvisioningTokenRequest,
  Device,
  DeviceAppParams,
  DeviceList,
  DeviceListQuery,
  DeviceParams,
  PatchDeviceRequest,
  ProjectParams,
  ProvisioningTokenList,
  ProvisioningTokenParams,
  RetryResponse,
} from "@flotilla/protocol/api/devices";
import { PageQuery } from "@flotilla/protocol/api/paging";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import { deleteDevice, patchDevice, retryApp, revokeDevice } from "./change.ts";
import { requireDevice } from "./devices.ts";
import { listDevices } from "./list.ts";
import type { Presence } from "./presence.ts";
import { createProvisioningToken, revokeProvisioningToken, toProvisioningToken } from "./provisioning.ts";
import type { DevicesTable } from "./tables.ts";
import { viewDevices } from "./view.ts";

const PROJECT = "/api/v1/projects/:project";
const READ = { access: { permission: "device:read" }, etag: true } as const;
const MANAGE = { access: { permission: "device:manage" } } as const;
const ENROL = { access: { permission: "device:enrol" } } as const;
const Nothing = Type.Null();

/** Who asks, for events. */
export function actorOf({ access }: Context, request: FastifyRequest): Actor {
  if (request.principal === undefined) throw new CodedError("unauthenticated", "sign in, or send an API token");
  return access.actorOf(request.principal);
}

/** Provisioning tokens and devices as people see them. */
export function registerDevices(app: App, context: Context, presence: Presence): void {
  registerTokens(app, context);
  registerReading(app, context, presence);
  registerChanging(app, context, presence);
}

function registerTokens(app: App, context: Context): void {
  app.get(
    `${PROJECT}/provisioning-tokens`,
    {
      config: ENROL,
      schema: {
        tags: ["devices"],
        operationId: "listProvisioningTokens",
        summary: "Tokens that enrol devices, newest first",
        params: ProjectParams,
        querystring: PageQuery,
        response: { 200: ProvisioningTokenList },
      },
    },
    async ({ params, query }) => {
      const limit = pageSize(query);
      const before = decodeCursor(query.cursor, ["string"])?.[0];
      let rows = context.database.read
        .selectFrom("provisioning_tokens")
        .selectAll()
        .where("project", "=", params.project)
        .orderBy("id", "desc")
        .limit(limit + 1);
      if (before !== undefined) rows = rows.where("id", "<", before);
      return toPage(await rows.execute(), limit, { item: toProvisioningToken, key: (row) => [row.id] });
    },
  );
  app.post(
    `${PROJECT}/provisioning-tokens`,
    {
      config: ENROL,
      schema: {
        tags: ["devices"],
        operationId: "createProvisioningToken",
        summary: "Make a token that enrols devices; it is shown once",
        params: ProjectParams,
        body: CreateProvisioningTokenRequest,
        response: { 201: CreatedProvisioningToken },
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const actor = actorOf(context, request);
      return reply.code(201).send(await createProvisioningToken(context, { ...request.body, project, actor }));
    },
  );
  app.delete(
    `${PROJECT}/provisioning-tokens/:token`,
    {
      config: ENROL,
      schema: {
        tags: ["devices"],
        operationId: "revokeProvisioningToken",
        summary: "End a token; devices that it enrolled stay",
        params: ProvisioningTokenParams,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { project, token: id } = request.params;
      await revokeProvisioningToken(context, { project, id, actor: actorOf(context, request) });
      return reply.code(204).send(null);
    },
  );
}

function registerReading(app: App, context: Context, presence: Presence): void {
  app.get(
    `${PROJECT}/devices`,
    {
      config: READ,
      schema: {
        tags: ["devices"],
        operationId: "listDevices",
        summary: "Devices that match a selector, in the order they were enrolled",
        params: ProjectParams,
        querystring: DeviceListQuery,
        response: { 200: DeviceList },
      },
    },
    async ({ params, query }) => listDevices(context, presence, params.project, query),
  );
  app.get(
    `${PROJECT}/devices/:device`,
    {
      config: READ,
      schema: {
        tags: ["devices"],
        operationId: "getDevice",
        summary: "One device: what it should run, what it says it runs",
        params: DeviceParams,
        response: { 200: Device },
      },
    },
    async ({ params }) =>
      view(context, presence, await requireDevice(context.database.read, params.project, params.device)),
  );
}

function registerChanging(app: App, context: Context, presence: Presence): void {
  const about = (operationId: string, summary: string) => ({ tags: ["devices"], operationId, summary });
  app.patch(
    `${PROJECT}/devices/:device`,
    {
      config: MANAGE,
      schema: {
        ...about("changeDevice", "Change name, labels (RFC 7396) or time zone"),
        params: DeviceParams,
        body: PatchDeviceRequest,
        response: { 200: Device },
      },
    },
    async (request) => {
      const change = { ...request.params, actor: actorOf(context, request) };
      return view(context, presence, await patchDevice(context, change, request.body));
    },
  );
  app.delete(
    `${PROJECT}/devices/:device`,
    {
      config: MANAGE,
      schema: { ...about("deleteDevice", "Forget a device"), params: DeviceParams, response: { 204: Nothing } },
    },
    async (request, reply) => {
      await deleteDevice(context, { ...request.params, actor: actorOf(context, request) });
      return reply.code(204).send(null);
    },
  );
  app.post(
    `${PROJECT}/devices/:device/revoke`,
    {
      config: MANAGE,
      schema: {
        ...about("revokeDevice", "Never accept the device's key again; disconnects at once"),
        params: DeviceParams,
        response: { 200: Device },
      },
    },
    async (request) => {
      const change = { ...request.params, actor: actorOf(context, request) };
      return view(context, presence, await revokeDevice(context, change));
    },
  );
  app.post(
    `${PROJECT}/devices/:device/apps/:app/retry`,
    {
      config: MANAGE,
      schema: {
        ...about("retryApp", "Let the device try the release again that it failed on"),
        params: DeviceAppParams,
        response: { 202: RetryResponse },
      },
    },
    async (request, reply) => {
      const change = { ...request.params, actor: actorOf(context, request) };
      return reply.code(202).send({ release: await retryApp(context, presence, change) });
    },
  );
}

async function view(context: Context, presence: Presence, row: DevicesTable): Promise<Device> {
  const [device] = await viewDevices(context.database.read, presence, [row]);
  if (device === undefined) throw new Error("a device row without a view");
  return device;
}
