import { formatPurl } from "../../purl.ts";
import type { FoundPackage } from "../ecosystem.ts";
import { type Header, TAG } from "./header.ts";

const MAX_LICENCE_LENGTH = 500;
const NAME = /^[A-Za-z0-9._][A-Za-z0-9+._-]{0,199}$/;
const VERSION = /^[A-Za-z0-9._+~^]{1,200}$/;
/** Keys that rpm was told to trust stand in the database like packages. */
const KEY_PACKAGE = "gpg-pubkey";

/** Vendors by the word that tells them, for the namespace of package URLs where no os-release says more. */
const VENDORS: readonly (readonly [RegExp, string])[] = [
  [/Red Hat/, "redhat"],
  [/AlmaLinux/, "almalinux"],
  [/Rocky/, "rocky"],
  [/Fedora/, "fedora"],
  [/CentOS/, "centos"],
  [/openSUSE/, "opensuse"],
  [/SUSE/, "suse"],
  [/Amazon/, "amzn"],
  [/Oracle/, "oracle"],
  [/Microsoft/, "azurelinux"],
];

/** The package a header describes; undefined when it is none, a text when the header is malformed. */
export function packageOf(header: Header): FoundPackage | string | undefined {
  const name = header.text(TAG.name) ?? "";
  if (name === KEY_PACKAGE) return undefined;
  if (!NAME.test(name)) return `malformed: package name ${JSON.stringify(name.slice(0, 80))}`;
  const version = `${header.text(TAG.version) ?? ""}-${header.text(TAG.release) ?? ""}`;
  if (!version.split("-").every((part) => VERSION.test(part)) || version.split("-").length !== 2)
    return `malformed: version of ${name} ${JSON.stringify(version.slice(0, 80))}`;
  const epoch = header.number(TAG.epoch) ?? 0;
  const licence = header.text(TAG.licence)?.slice(0, MAX_LICENCE_LENGTH);
  return {
    purl: formatPurl({
      type: "rpm",
      namespace: vendorOf(header.text(TAG.vendor)),
      name,
      version,
      qualifiers: {
        arch: header.text(TAG.architecture)?.slice(0, 50),
        epoch: epoch === 0 ? undefined : String(epoch),
      },
    }),
    name,
    version: withEpoch(epoch, version),
    source: sourceOf(header.text(TAG.sourceRpm), epoch) ?? { name, version: withEpoch(epoch, version) },
    evidence: "installed",
    ...(licence === undefined || licence === "" ? {} : { licence }),
  };
}

/** Paths of the package's files, relative to the root. */
export function* filesOf(header: Header): Generator<string> {
  const folders = header.texts(TAG.folders);
  const indexes = header.numbers(TAG.folderIndexes);
  for (const [index, name] of header.texts(TAG.baseNames).entries()) {
    const folder = folders[indexes[index] ?? -1];
    if (folder !== undefined) yield folder.replace(/^\/+/, "") + name;
  }
}

function withEpoch(epoch: number, version: string): string {
  return epoch === 0 ? version : `${epoch}:${version}`;
}

/** `glibc-2.34-100.el9.src.rpm`; the epoch is not in the name, and is the binary's in all but a few packages. */
function sourceOf(file: string | undefined, epoch: number): { name: string; version: string } | undefined {
  const match = /^([A-Za-z0-9+._-]{1,200})-([A-Za-z0-9._+~^]{1,200}-[A-Za-z0-9._+~^]{1,200})\.(?:no)?src\.rpm$/.exec(
    file ?? "",
  );
  const [, name, version] = match ?? [];
  return name === undefined || version === undefined ? undefined : { name, version: withEpoch(epoch, version) };
}

function vendorOf(vendor: string | undefined): string {
  return VENDORS.find(([pattern]) => pattern.test(vendor ?? ""))?.[1] ?? "unknown";
}
