import {
  Device,
  DeviceAppParams,
  DeviceList,
  DeviceListQuery,
  DeviceParams,
  PatchDeviceRequest,
  ProjectParams,
  RetryResponse,
} from "@flotilla/protocol/api/devices";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import { actorOf } from "../http/actor.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { deleteDevice, patchDevice, retryApp, revokeDevice } from "./change.ts";
import { requireDevice } from "./devices.ts";
import { listDevices } from "./list.ts";
import type { Presence } from "./presence.ts";
import { registerProvisioningTokens } from "./provisioning-routes.ts";
import type { DevicesTable } from "./tables.ts";
import { viewDevices } from "./view.ts";

const PROJECT = "/api/v1/projects/:project";
const READ = { access: { permission: "device:read" }, etag: true } as const;
const MANAGE = { access: { permission: "device:manage" } } as const;
const PROBLEMS = problemResponses(400, 401, 403, 404, 409);

/** Provisioning tokens and devices as people see them. */
export function registerDevices(app: App, context: Context, presence: Presence): void {
  registerProvisioningTokens(app, context);
  registerReading(app, context, presence);
  registerChanging(app, context, presence);
  registerActing(app, context, presence);
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
        response: { 200: DeviceList, ...PROBLEMS },
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
        response: { 200: Device, ...PROBLEMS },
      },
    },
    async ({ params }) =>
      view(context, presence, await requireDevice(context.database.read, params.project, params.device)),
  );
}

const about = (operationId: string, summary: string) => ({ tags: ["devices"], operationId, summary });

function registerChanging(app: App, context: Context, presence: Presence): void {
  app.patch(
    `${PROJECT}/devices/:device`,
    {
      config: MANAGE,
      schema: {
        ...about("changeDevice", "Change name, labels (RFC 7396) or time zone"),
        params: DeviceParams,
        body: PatchDeviceRequest,
        response: { 200: Device, ...PROBLEMS },
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
      schema: {
        ...about("deleteDevice", "Forget a device"),
        params: DeviceParams,
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      await deleteDevice(context, { ...request.params, actor: actorOf(context, request) });
      return reply.code(204).send(null);
    },
  );
}

function registerActing(app: App, context: Context, presence: Presence): void {
  app.post(
    `${PROJECT}/devices/:device/revoke`,
    {
      config: MANAGE,
      schema: {
        ...about("revokeDevice", "Never accept the device's key again; disconnects at once"),
        params: DeviceParams,
        response: { 200: Device, ...PROBLEMS },
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
        response: { 202: RetryResponse, ...PROBLEMS },
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
