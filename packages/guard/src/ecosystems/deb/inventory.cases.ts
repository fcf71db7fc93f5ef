import type { InventoryCase } from "../contract.cases.ts";

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9+deb12u3)
Version: 2.36-9+deb12u4
Description: GNU C Library
 Package: not-this
 Version: 0

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: half
Status: install reinstreq half-configured
Architecture: all
Source: whole
Version: 1:2.0~rc1-1


Package: never
Status: unknown ok not-installed

Package: libstdc++6
Status: hold ok installed
Architecture: arm64
Version: 12.2.0-14

Package: bad version
Status: install ok installed
Version: 1

Package: odd
Status: install ok installed
Version: 1 2
`;

export const cases: readonly InventoryCase[] = [
  {
    name: "dpkg's status: source packages, only what is there",
    path: "var/lib/dpkg/status",
    content: status,
    packages: [
      "pkg:deb/debian/half@1:2.0~rc1-1?arch=all installed source:whole@1:2.0~rc1-1",
      "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64 installed source:glibc@2.36-9+deb12u3",
      "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=arm64 installed source:libstdc++6@12.2.0-14",
    ],
    problems: ["malformed: package name", "malformed: version of odd"],
  },
  {
    name: "a distroless image's status.d",
    path: "var/lib/dpkg/status.d/tzdata",
    content: "Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n",
    packages: ["pkg:deb/debian/tzdata@2024a-0%2Bdeb12u1?arch=all installed source:tzdata@2024a-0+deb12u1"],
  },
  {
    name: "the list of available packages is not what is there",
    path: "var/lib/dpkg/available",
    content: status,
    packages: [],
  },
  { name: "an empty status", path: "var/lib/dpkg/status", content: "", packages: [] },
];
