import assert from "node:assert/strict";
import { isCoded } from "@flotilla/base/errors";
import { Device } from "@flotilla/protocol/api/devices";
import { type CreateRolloutRequest, Rollout, RolloutDevice } from "@flotilla/protocol/api/rollouts";
import { type Behaviour, enrolFakeDevice, type FakeConnection, type FakeDevice } from "../gateway/device.fake.ts";
import type { TestServer } from "../testing.ts";
import { eventually } from "./release.fixture.ts";

export const PATH = "/api/v1/projects/default";

export interface Member {
  readonly device: FakeDevice;
  readonly connection: FakeConnection;
}

/** Devices with the label fleet=NAME, connected; each does what `behave` says of a release, by the number of the device. */
export async function fleet(
  server: TestServer,
  name: string,
  size: number,
  behave: (app: string, release: string, index: number) => Behaviour | Promise<Behaviour> = () => "commit",
): Promise<Member[]> {
  const members: Member[] = [];
  for (let index = 0; index < size; index++) {
    const device = await enrolFakeDevice(server, { labels: { fleet: name }, name: `${name}-${index}` });
    const connection = await device.connect();
    connection.obey((app, { release }) => behave(app, release, index));
    members.push({ device, connection });
  }
  return members;
}

/** Makes a rollout. */
export async function roll(server: TestServer, request: CreateRolloutRequest): Promise<Rollout> {
  return server.client.post(`${PATH}/rollouts`, request, Rollout);
}

/** The rollout once it is in this state and `more` holds. */
export function until(
  server: TestServer,
  id: string,
  state: Rollout["state"],
  more: (rollout: Rollout) => boolean = () => true,
): Promise<Rollout> {
  return eventually(
    server,
    () => server.client.get(`${PATH}/rollouts/${id}`, Rollout),
    (rollout) => rollout.state === state && more(rollout),
  );
}

export async function devicesOf(server: TestServer, id: string): Promise<RolloutDevice[]> {
  return Array.fromAsync(server.client.items(`${PATH}/rollouts/${id}/devices`, RolloutDevice));
}

/** One app of one device as the API shows it. */
export async function appOf(
  server: TestServer,
  device: string,
  app: string,
): Promise<Device["apps"][string] | undefined> {
  return (await server.client.get(`${PATH}/devices/${device}`, Device)).apps[app];
}

export async function refusedAs(code: string, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isCoded(error, code));
}
