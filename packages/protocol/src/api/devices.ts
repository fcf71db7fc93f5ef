import { type Static, Type } from "typebox";
import { AppState, ContainerState, DeviceFacts, Verdict } from "../device.ts";
import { AppName, DigestText } from "../target.ts";
import { Page, PageQueryMembers } from "./paging.ts";

/** Schemas of the routes `/api/v1/projects/:project/provisioning-tokens…` and `…/devices…`; enrolment itself is in `../device.ts`. */

const Instant = Type.String({ maxLength: 40 });
const Id = Type.String({ maxLength: 64 });
const ProjectName = Type.String({ maxLength: 100 });
const Count = Type.Integer({ minimum: 0 });

export const LABEL_KEY = "^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$";
export const LABEL_VALUE = "^(?:[A-Za-z0-9](?:[A-Za-z0-9._:@+/-]{0,98}[A-Za-z0-9])?)?$";
const LabelValue = Type.String({ pattern: LABEL_VALUE });

/** Labels of a device. `name` and `id` are not allowed as keys: selectors use them for the device's own. */
export const Labels = Type.Record(Type.String({ pattern: LABEL_KEY }), LabelValue, {
  maxProperties: 64,
  additionalProperties: false,
});
export type Labels = Static<typeof Labels>;

export const DeviceName = Type.String({ pattern: "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$" });
export const SelectorText = Type.String({ maxLength: 1000 });
export const ProjectParams = Type.Object({ project: ProjectName });
export const ProvisioningTokenParams = Type.Object({ project: ProjectName, token: Id });
/** `:device` is the device's id or its name. */
export const DeviceParams = Type.Object({ project: ProjectName, device: Type.String({ maxLength: 100 }) });
export const DeviceAppParams = Type.Object({ ...DeviceParams.properties, app: AppName });

/** A token that enrols devices and nothing else. The secret is shown once, when it is made. */
export const ProvisioningToken = Type.Object({
  id: Id,
  description: Type.String(),
  /** Labels that enrolled devices get. */
  labels: Labels,
  createdAt: Instant,
  createdBy: Type.String(),
  expiresAt: Instant,
  maxUses: Count,
  uses: Count,
  revokedAt: Type.Optional(Instant),
});
export type ProvisioningToken = Static<typeof ProvisioningToken>;
export const ProvisioningTokenList = Page(ProvisioningToken);
export type ProvisioningTokenList = Static<typeof ProvisioningTokenList>;

export const CreateProvisioningTokenRequest = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: 200 })),
    labels: Type.Optional(Labels),
    /** Default: one day. */
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 366 * 86_400 })),
    /** How many devices it may enrol. Default: 1. */
    maxUses: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  },
  { additionalProperties: false },
);
export type CreateProvisioningTokenRequest = Static<typeof CreateProvisioningTokenRequest>;

/** `token` is what the device is given: `flp_…`, see `../provisioning-token.ts`. */
export const CreatedProvisioningToken = Type.Object({ ...ProvisioningToken.properties, token: Type.String() });
export type CreatedProvisioningToken = Static<typeof CreatedProvisioningToken>;

/** Why an app of a device is not at what was assigned: `variables-missing`, `release-unknown`. */
export const AppProblem = Type.Object({ code: Type.String(), message: Type.String(), release: DigestText });
export type AppProblem = Static<typeof AppProblem>;

/** One app on one device: what it should run and what it says it runs. */
export const DeviceApp = Type.Object({
  assigned: Type.Optional(
    Type.Object({
      release: DigestText,
      /** `pin`: set for this device; `rollout`: by a rollout; `settled`: because it joined a selector. */
      source: Type.Enum(["pin", "rollout", "settled"]),
      rollout: Type.Optional(Id),
    }),
  ),
  problem: Type.Optional(AppProblem),
  release: Type.Optional(DigestText),
  variablesHash: Type.Optional(DigestText),
  /** Absent until the device has reported this app. */
  phase: Type.Optional(AppState.properties.phase),
  target: Type.Optional(DigestText),
  progress: AppState.properties.progress,
  verdict: Type.Optional(Verdict),
  containers: Type.Array(ContainerState),
  reportedAt: Type.Optional(Instant),
});
export type DeviceApp = Static<typeof DeviceApp>;

export const Device = Type.Object({
  id: Id,
  name: DeviceName,
  labels: Labels,
  /** IANA name. */
  timeZone: Type.String(),
  /** `online`: connected now. `revoked`: its key is no longer accepted. */
  status: Type.Enum(["online", "offline", "revoked"]),
  lastSeenAt: Type.Optional(Instant),
  enrolledAt: Instant,
  revokedAt: Type.Optional(Instant),
  /** SHA-256 of its public key, hex. */
  keyFingerprint: Type.String(),
  facts: Type.Optional(DeviceFacts),
  /** Version of the target that it should hold, and of the one it last reported to hold. */
  targetVersion: Count,
  reportedTargetVersion: Count,
  /** Device clock minus server clock at the last report, milliseconds. */
  clockOffsetMs: Type.Optional(Type.Integer()),
  apps: Type.Record(AppName, DeviceApp),
});
export type Device = Static<typeof Device>;
export const DeviceList = Page(Device);
export type DeviceList = Static<typeof DeviceList>;

export const DeviceListQuery = Type.Object({
  /** `site=oslo, !canary, tier in (a,b), name=press-7`; empty: all. */
  selector: Type.Optional(SelectorText),
  ...PageQueryMembers,
});
export type DeviceListQuery = Static<typeof DeviceListQuery>;

/** RFC 7396 for labels: `null` takes one away, those not named stay. */
export const PatchDeviceRequest = Type.Object(
  {
    name: Type.Optional(DeviceName),
    timeZone: Type.Optional(Type.String({ maxLength: 60 })),
    labels: Type.Optional(
      Type.Record(Type.String({ pattern: LABEL_KEY }), Type.Union([LabelValue, Type.Null()]), {
        maxProperties: 64,
        additionalProperties: false,
      }),
    ),
  },
  { additionalProperties: false },
);
export type PatchDeviceRequest = Static<typeof PatchDeviceRequest>;

/** `POST …/devices/:device/apps/:app/retry`: which release was allowed again; absent when nothing was bad. */
export const RetryResponse = Type.Object({ release: DigestText });
export type RetryResponse = Static<typeof RetryResponse>;
