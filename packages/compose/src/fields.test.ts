import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Fields } from "./fields.ts";
import { EXTENDS_FIELDS } from "./load/extends.ts";
import { INCLUDE_FIELDS } from "./load/include.ts";
import { DEPENDENCY_FIELDS } from "./service/depends-on.ts";
import { ENV_FILE_FIELDS } from "./service/environment.ts";
import { FILE_MOUNT_FIELDS } from "./service/file-mounts.ts";
import { DEVICE_REQUEST_FIELDS } from "./service/gpus.ts";
import { HEALTHCHECK_FIELDS } from "./service/healthcheck.ts";
import { HOOK_FIELDS } from "./service/hooks.ts";
import { DEVICE_FIELDS, LOGGING_FIELDS, ULIMIT_FIELDS } from "./service/host.ts";
import { BIND_FIELDS, MOUNT_FIELDS, TMPFS_FIELDS, VOLUME_MOUNT_FIELDS } from "./service/mounts.ts";
import { ATTACHMENT_FIELDS } from "./service/networks.ts";
import { PORT_FIELDS } from "./service/ports.ts";
import { DEPLOY_FIELDS, DEPLOY_RESOURCES, LIMITS, RESERVATIONS } from "./service/resources.ts";
import { SERVICE_FIELDS } from "./service/service.ts";
import { CONFIG_FIELDS, EXTERNAL_FIELDS, SECRET_FIELDS } from "./top/files.ts";
import { IPAM_FIELDS, NETWORK_FIELDS, POOL_FIELDS } from "./top/networks.ts";
import { TOP_FIELDS } from "./top/top.ts";
import { VOLUME_FIELDS } from "./top/volumes.ts";

/** Names of all fields of the official JSON schema by place; how they were taken from it stands beside them. */
const { places } = JSON.parse(
  readFileSync(new URL("../fixtures/specification/fields.json", import.meta.url), "utf8"),
) as { readonly places: Readonly<Record<string, readonly string[]>> };

type AnyFields = Pick<Fields<never>, "refused"> & { readonly readers: object };

/** What reads each place of the schema. */
const TABLES: Readonly<Record<string, AnyFields>> = {
  "": TOP_FIELDS,
  ".configs.*": CONFIG_FIELDS,
  ".include[]": INCLUDE_FIELDS,
  ".networks.*": NETWORK_FIELDS,
  ".networks.*.ipam": IPAM_FIELDS,
  ".networks.*.ipam.config[]": POOL_FIELDS,
  ".secrets.*": SECRET_FIELDS,
  ".secrets.*.external": EXTERNAL_FIELDS,
  ".services.*": SERVICE_FIELDS,
  ".services.*.configs[]": FILE_MOUNT_FIELDS,
  ".services.*.depends_on.*": DEPENDENCY_FIELDS,
  ".services.*.deploy": DEPLOY_FIELDS,
  ".services.*.deploy.resources": DEPLOY_RESOURCES,
  ".services.*.deploy.resources.limits": LIMITS,
  ".services.*.deploy.resources.reservations": RESERVATIONS,
  ".services.*.deploy.resources.reservations.devices[]": DEVICE_REQUEST_FIELDS,
  ".services.*.devices[]": DEVICE_FIELDS,
  ".services.*.env_file[]": ENV_FILE_FIELDS,
  ".services.*.extends": EXTENDS_FIELDS,
  ".services.*.gpus[]": DEVICE_REQUEST_FIELDS,
  ".services.*.healthcheck": HEALTHCHECK_FIELDS,
  ".services.*.logging": LOGGING_FIELDS,
  ".services.*.networks.*": ATTACHMENT_FIELDS,
  ".services.*.ports[]": PORT_FIELDS,
  ".services.*.post_start[]": HOOK_FIELDS,
  ".services.*.pre_stop[]": HOOK_FIELDS,
  ".services.*.secrets[]": FILE_MOUNT_FIELDS,
  ".services.*.ulimits.*": ULIMIT_FIELDS,
  ".services.*.volumes[]": MOUNT_FIELDS,
  ".services.*.volumes[].bind": BIND_FIELDS,
  ".services.*.volumes[].tmpfs": TMPFS_FIELDS,
  ".services.*.volumes[].volume": VOLUME_MOUNT_FIELDS,
  ".volumes.*": VOLUME_FIELDS,
};

/** Beside `image` it says how that was made, and nothing of what runs; without one it is refused whole. */
const NOT_READ = ".services.*.build";

/** Whether a place lies within a field that is refused. */
function isWithinRefused(place: string): boolean {
  return Object.entries(TABLES).some(([above, { refused }]) =>
    Object.keys(refused).some((name) => {
      const field = `${above}.${name}`;
      return place.startsWith(field) && ["", ".", "["].includes(place.charAt(field.length));
    }),
  );
}

for (const [place, names] of Object.entries(places)) {
  if (place.startsWith(NOT_READ) || isWithinRefused(place)) continue;
  test(`every field of ${place === "" ? "the top" : place} is honoured, or refused with a reason`, () => {
    const fields = TABLES[place];
    assert.ok(fields !== undefined, `nothing reads ${place}`);
    const honoured = Object.keys(fields.readers).filter((name) => !name.startsWith("x-"));
    const refused = Object.keys(fields.refused);
    assert.deepEqual([...honoured, ...refused].toSorted(), names.toSorted());
    for (const name of refused) assert.ok((fields.refused[name]?.length ?? 0) > 10, `${name} has no reason`);
  });
}

test("every table is of a place in the schema that is not refused", () => {
  for (const place of Object.keys(TABLES)) {
    assert.ok(Object.hasOwn(places, place), place);
    assert.ok(!isWithinRefused(place), place);
  }
});
