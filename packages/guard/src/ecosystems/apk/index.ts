import type { Ecosystem } from "../ecosystem.ts";
import { installedExtractor } from "./installed.ts";

/** Packages of Alpine, Wolfi and Chainguard (and of OpenWrt from 24.10 on), by apk's own database. */
export const apk: Ecosystem = { id: "apk", os: true, extractors: [installedExtractor] };
