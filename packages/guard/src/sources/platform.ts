import { arch } from "node:os";
import { normaliseArchitecture, type Platform } from "@flotilla/oci/platform";

/** The platform whose images this machine runs; Docker's machines are Linux, whatever the host is. */
export function hostPlatform(): Platform {
  return { os: "linux", architecture: normaliseArchitecture(arch()) };
}
