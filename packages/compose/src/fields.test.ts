import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fields } from "./fields.ts";
import { DEPLOY_FIELDS } from "./service/resources.ts";
import { SERVICE_FIELDS } from "./service/service.ts";
import { CONFIG_FIELDS, SECRET_FIELDS } from "./top/files.ts";
import { NETWORK_FIELDS } from "./top/networks.ts";
import { TOP_FIELDS } from "./top/top.ts";
import { VOLUME_FIELDS } from "./top/volumes.ts";

// Every field that the compose specification (schema/compose-spec.json) has in these places: each is honoured or refused with a reason.
const SPECIFICATION: Readonly<
  Record<
    string,
    { readonly fields: Pick<Fields<never>, "refused"> & { readonly readers: object }; readonly names: string }
  >
> = {
  "the top": {
    fields: TOP_FIELDS,
    names: "version name include services models networks volumes secrets configs",
  },
  "a service": {
    fields: SERVICE_FIELDS,
    names: `develop deploy annotations attach build blkio_config cap_add cap_drop cgroup cgroup_parent command configs container_name
      cpu_count cpu_percent cpu_shares cpu_quota cpu_period cpu_rt_period cpu_rt_runtime cpus cpuset credential_spec depends_on
      device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file label_file environment expose extends provider
      external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation labels links logging mac_address mem_limit
      mem_reservation mem_swappiness memswap_limit network_mode models networks oom_kill_disable oom_score_adj pid pids_limit platform
      ports post_start pre_stop privileged profiles pull_policy pull_refresh_after read_only restart runtime scale security_opt shm_size
      secrets sysctls stdin_open stop_grace_period stop_signal storage_opt tmpfs tty ulimits use_api_socket user uts userns_mode volumes
      volumes_from working_dir`,
  },
  deploy: {
    fields: DEPLOY_FIELDS,
    names: "mode endpoint_mode replicas labels rollback_config update_config resources restart_policy placement",
  },
  "a network": {
    fields: NETWORK_FIELDS,
    names: "name driver driver_opts ipam external internal enable_ipv4 enable_ipv6 attachable labels",
  },
  "a volume": { fields: VOLUME_FIELDS, names: "name driver driver_opts external labels" },
  "a secret": {
    fields: SECRET_FIELDS,
    names: "name environment file external labels driver driver_opts template_driver",
  },
  "a config": { fields: CONFIG_FIELDS, names: "name content environment file external labels template_driver" },
};

for (const [place, { fields, names }] of Object.entries(SPECIFICATION)) {
  test(`every field of ${place} is honoured, or refused with a reason`, () => {
    const known = names.split(/\s+/);
    const honoured = Object.keys(fields.readers).filter((name) => !name.startsWith("x-"));
    const refused = Object.keys(fields.refused);
    assert.deepEqual([...honoured, ...refused].toSorted(), known.toSorted());
    for (const name of refused) assert.ok((fields.refused[name]?.length ?? 0) > 10, `${name} has no reason`);
  });
}
