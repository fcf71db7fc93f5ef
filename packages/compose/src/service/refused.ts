/** Fields of a service that a device cannot honour, and why. */
export const SERVICE_REFUSED: Readonly<Record<string, string>> = {
  attach: "nothing is attached on a device: read logs with flotilla-agent logs",
  blkio_config: "block I/O limits are not passed on yet",
  container_name: "the agent names containers, so that an old and a new one can stand side by side",
  cpu_count: "only Windows has it: use cpus",
  cpu_percent: "only Windows has it: use cpus",
  credential_spec: "only Windows has it",
  develop: "it is for development on this machine: remove it, or keep it in another file",
  external_links: "containers outside of the app cannot be followed through updates: let one app have both services",
  isolation: "only Windows has it",
  mac_address: "a container has one for each network: give it there, under networks:",
  models: "devices run containers only",
  provider: "devices run containers only",
  pull_refresh_after: "the release pins images by digest: remove it",
  storage_opt: "it depends on the device's storage driver",
  use_api_socket: "an app must not hold the device's engine",
  volumes_from: "name the volume in both services",
};
