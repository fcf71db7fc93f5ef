import type { Ecosystem } from "../ecosystem.ts";
import { licenceManifestExtractor, manifestExtractor } from "./manifest.ts";
import { ownedExtractor } from "./owned.ts";
import { statusExtractor } from "./status.ts";

/** Packages of OpenWrt and of systems that Yocto builds: opkg's and ipkg's databases, and the manifests beside an image. */
export const opkg: Ecosystem = {
  id: "opkg",
  os: true,
  extractors: [statusExtractor, ownedExtractor, manifestExtractor, licenceManifestExtractor],
};
