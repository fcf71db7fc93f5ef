import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ENV_FILE_FIELDS } from "./service/environment.ts";
import { DEVICE_REQUEST_FIELDS } from "./service/gpus.ts";
import { HEALTHCHECK_FIELDS } from "./service/healthcheck.ts";
import { HOOK_FIELDS } from "./service/hooks.ts";
import { BIND_FIELDS, MOUNT_FIELDS, TMPFS_FIELDS, VOLUME_MOUNT_FIELDS } from "./service/mounts.ts";
import { ATTACHMENT_FIELDS } from "./service/networks.ts";
import { PORT_FIELDS } from "./service/ports.ts";
import { DEPLOY_FIELDS } from "./service/resources.ts";
import { SERVICE_FIELDS } from "./service/service.ts";
import { CONFIG_FIELDS, SECRET_FIELDS } from "./top/files.ts";
import { IPAM_FIELDS, NETWORK_FIELDS, POOL_FIELDS } from "./top/networks.ts";
import { TOP_FIELDS } from "./top/top.ts";
import { VOLUME_FIELDS } from "./top/volumes.ts";

// The files that are compared with the real `docker compose config` (test/tools/compose-config.tool.test.ts) have to try everything.
const FOLDER = fileURLToPath(new URL("../fixtures/config/", import.meta.url));
const text = globSync("**/*.yaml", { cwd: FOLDER })
  .map((path) => readFileSync(`${FOLDER}${path}`, "utf8"))
  .join("\n");

const TABLES: Readonly<Record<string, { readonly readers: object }>> = {
  ATTACHMENT_FIELDS,
  BIND_FIELDS,
  CONFIG_FIELDS,
  DEPLOY_FIELDS,
  DEVICE_REQUEST_FIELDS,
  ENV_FILE_FIELDS,
  HEALTHCHECK_FIELDS,
  HOOK_FIELDS,
  IPAM_FIELDS,
  MOUNT_FIELDS,
  NETWORK_FIELDS,
  POOL_FIELDS,
  PORT_FIELDS,
  SECRET_FIELDS,
  SERVICE_FIELDS,
  TMPFS_FIELDS,
  TOP_FIELDS,
  VOLUME_FIELDS,
  VOLUME_MOUNT_FIELDS,
};

for (const [name, { readers }] of Object.entries(TABLES))
  test(`every field of ${name} is compared with compose`, () => {
    for (const field of Object.keys(readers))
      assert.match(text, new RegExp(`(?:^|[\\s{,])${field}:`, "m"), `no file has ${field}`);
  });
