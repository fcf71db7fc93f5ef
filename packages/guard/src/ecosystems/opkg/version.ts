/** opkg compares as dpkg does (opkg `libopkg/pkg.c`, `pkg_compare_versions`). */
export { compare, isValid } from "../deb/version.ts";
