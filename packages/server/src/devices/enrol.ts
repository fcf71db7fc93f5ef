import { randomBytes } from "node:crypto";
import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { uuidv7 } from "@flotilla/base/uuid";
import type { EnrolRequest } from "@flotilla/protocol/device";
import { enrolBytes } from "@flotilla/protocol/provisioning-token";
import type { Transaction } from "kysely";
import { settleNewDevice } from "../assignments/settle.ts";
import type { Context } from "../context.ts";
import { updateMembership } from "../rollouts/members.ts";
import type { Tables } from "../store/tables.ts";
import { toKnownDevice } from "./devices.ts";
import { type DeviceKey, isSignedBy, parseDeviceKey } from "./keys.ts";
import { requireProvisioningToken } from "./provisioning.ts";
import type { DevicesTable, ProvisioningTokensTable } from "./tables.ts";
import { isTimeZone } from "./time-zone.ts";

type Trx = Transaction<Tables>;

/** Devices that one project may have. */
export const MAX_DEVICES = 200_000;
const MAX_NAME = 63;

/**
 * Enrols a device that holds its own key and shows a provisioning token. The same key enrolling again while a token is valid gets the same device, so that an
 * answer that was lost costs nothing. Throws `key-invalid`, `proof-invalid`, `token-invalid`, `token-used-up`, `key-in-use`, `device-revoked`.
 */
export async function enrolDevice(context: Context, request: EnrolRequest): Promise<DevicesTable> {
  const key = parseDeviceKey(request.publicKey);
  if (!isSignedBy(key.key, enrolBytes(request.token, request.publicKey), request.proof))
    throw new CodedError("proof-invalid", "the proof is not a signature of this key over the enrolment");
  return context.database.write(async (trx) => {
    const now = toInstant(context.clock.now());
    const token = await requireProvisioningToken(trx, request.token, now);
    const known = await trx
      .selectFrom("devices")
      .selectAll()
      .where("key_fingerprint", "=", key.fingerprint)
      .executeTakeFirst();
    if (known !== undefined) return again(known, token);
    if (token.uses >= token.max_uses)
      throw new CodedError("token-used-up", `the provisioning token has enrolled its ${token.max_uses} devices`);
    return insertDevice(trx, context, { request, key, token, now });
  });
}

function again(known: DevicesTable, token: ProvisioningTokensTable): DevicesTable {
  if (known.project !== token.project)
    throw new CodedError("key-in-use", "this key belongs to a device of another project; make a new one");
  if (known.revoked_at !== null)
    throw new CodedError("device-revoked", `device ${known.name} was revoked; its key is never accepted again`);
  return known;
}

interface NewDevice {
  readonly request: EnrolRequest;
  readonly key: DeviceKey;
  readonly token: ProvisioningTokensTable;
  readonly now: string;
}

async function insertDevice(
  trx: Trx,
  context: Context,
  { request, key, token, now }: NewDevice,
): Promise<DevicesTable> {
  const { project } = token;
  await requireRoom(trx, project);
  const row: DevicesTable = {
    project,
    id: uuidv7(context.clock.now()),
    name: await freeName(trx, project, request.name ?? request.facts.hostname.replace(/\..*$/s, "")),
    public_key: key.text,
    key_fingerprint: key.fingerprint,
    labels: token.labels,
    time_zone: isTimeZone(request.facts.timeZone) ? request.facts.timeZone : "UTC",
    facts: JSON.stringify(request.facts),
    enrolled_at: now,
    enrolled_with: token.id,
    revoked_at: null,
    last_seen_at: now,
    report_epoch: null,
    report_seq: 0,
    reported_at: null,
    reported_device_time: null,
    reported_target_version: 0,
  };
  await trx.insertInto("devices").values(row).execute();
  await trx
    .updateTable("provisioning_tokens")
    .set({ uses: token.uses + 1 })
    .where("project", "=", project)
    .where("id", "=", token.id)
    .execute();
  const device = toKnownDevice(row);
  await settleNewDevice(trx, device, now);
  await updateMembership(trx, device);
  await context.events.append(trx, {
    project,
    actor: { kind: "device", id: row.id, name: row.name },
    action: "device.enrolled",
    subject: `device/${row.id}`,
    data: { name: row.name, token: token.id, labels: device.labels, keyFingerprint: key.fingerprint },
  });
  return row;
}

async function requireRoom(trx: Trx, project: string): Promise<void> {
  const { count } = await trx
    .selectFrom("devices")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("project", "=", project)
    .executeTakeFirstOrThrow();
  if (Number(count) >= MAX_DEVICES)
    throw new CodedError("too-many-devices", `project ${project} has its ${MAX_DEVICES} devices`);
}

/** The wish in the form of a device's name, with a number or a random end when another device has it. */
async function freeName(trx: Trx, project: string, wish: string): Promise<string> {
  const base = friendly(wish);
  for (let number = 1; number <= 20; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    const taken = await trx
      .selectFrom("devices")
      .select("id")
      .where("project", "=", project)
      .where("name", "=", name)
      .executeTakeFirst();
    if (taken === undefined) return name;
  }
  return `${base}-${randomBytes(5).toString("hex")}`;
}

function friendly(wish: string): string {
  const text = wish
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, MAX_NAME - 11)
    .replace(/^-+|-+$/g, "");
  return text === "" ? "device" : text;
}
