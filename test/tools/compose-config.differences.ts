// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the device, as a release has them.
import type { NormalisedApp, Service } from "@flotilla/compose/app";

/** Where what we read differs from what compose writes. */
export interface Difference {
  readonly reason: string;
  /** What compose wrote, as we read it, with the difference made good: equal to ours. */
  readonly asOurs: (theirs: NormalisedApp) => NormalisedApp;
}

/** By the name of the case. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "device-variables": {
    reason: "names under x-flotilla: variables: are for each device; compose fills them with nothing",
    asOurs: (theirs) => ({
      ...changed(theirs, "web", {
        hostname: "box-${SITE}",
        ports: [{ target: 80, published: "${PORT}", protocol: "tcp" }],
      }),
      variables: { SITE: { default: "oslo" }, PORT: {} },
    }),
  },
  "environment-from-outside": {
    reason: "an environment key without a value is filled on the device, not from the environment of this machine",
    asOurs: (theirs) => ({ ...changed(theirs, "web", { environment: { KEY: "${KEY}" } }), variables: { KEY: {} } }),
  },
  "network-pools": {
    reason: "compose reads ipam: options: and drops it in silence; we pass it to the engine",
    asOurs: (theirs) => {
      const back = theirs.networks["back"];
      const ipam = { pools: [], ...back?.ipam, options: { a: "b" } };
      return { ...theirs, networks: { ...theirs.networks, back: { ...back, ipam } } };
    },
  },
  probe: {
    reason: "x-flotilla is ours, and compose writes no extension fields",
    asOurs: (theirs) => changed(theirs, "web", { probe: { kind: "tcp", port: 80, deadlineMs: 120_000 } }),
  },
  "volumes-long": {
    reason: "compose writes create_host_path: false as if it were not there",
    asOurs: (theirs) =>
      changed(theirs, "web", {
        mounts: (theirs.services["web"]?.mounts ?? []).map((mount) =>
          mount.kind === "bind" && mount.target === "/srv" ? { ...mount, createHostPath: false } : mount,
        ),
      }),
  },
};

/** Single fields of what compose wrote that differ from ours, by case, service and field, with the reason. */
export const FIELD_DIFFERENCES: Readonly<Record<string, string>> = {
  "override web.extra_hosts": "compose keeps a host twice when two files write it in different forms; we keep it once",
};

function changed(app: NormalisedApp, name: string, change: Partial<Service>): NormalisedApp {
  const service = app.services[name];
  return service === undefined ? app : { ...app, services: { ...app.services, [name]: { ...service, ...change } } };
}
