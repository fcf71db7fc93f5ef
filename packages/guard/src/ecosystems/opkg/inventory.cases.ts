import type { InventoryCase } from "../contract.cases.ts";

export const cases: readonly InventoryCase[] = [
  {
    name: "opkg's status on OpenWrt",
    path: "usr/lib/opkg/status",
    content: `Package: busybox
Version: 1.36.1-1
Depends: libc
Status: install user installed
Architecture: mipsel_24kc
Conffiles:
 /etc/profile abcdef
Installed-Time: 1700000000

Package: gone
Version: 1.0-1
Status: deinstall user not-installed
Architecture: all

Package: libopenssl3
Version: 3.0.14-r1
SourceName: openssl
License: Apache-2.0
Status: install hold installed
Architecture: mipsel_24kc

Package: no/name
Version: 1
Status: install ok installed
`,
    packages: [
      "pkg:opkg/openwrt/busybox@1.36.1-1?arch=mipsel_24kc installed",
      "pkg:opkg/openwrt/libopenssl3@3.0.14-r1?arch=mipsel_24kc installed licence:Apache-2.0 source:openssl@3.0.14-r1",
    ],
    problems: ["malformed: package name"],
  },
  {
    name: "opkg's status on a system that Yocto built",
    path: "var/lib/opkg/status",
    content: "Package: base-files\nVersion: 3.0.14-r89\nStatus: install ok installed\nArchitecture: qemux86_64\n",
    packages: ["pkg:opkg/openwrt/base-files@3.0.14-r89?arch=qemux86_64 installed"],
  },
  {
    name: "a Yocto image's manifest",
    path: "deploy/core-image-minimal-qemux86-64.rootfs.manifest",
    content: "base-passwd core2_64 3.6.3-r0\nbusybox core2_64 1.36.1-r0\n",
    packages: [
      "pkg:opkg/openwrt/base-passwd@3.6.3-r0?arch=core2_64 line:1",
      "pkg:opkg/openwrt/busybox@1.36.1-r0?arch=core2_64 line:2",
    ],
  },
  {
    name: "a manifest of something else",
    path: "app/setup.exe.manifest",
    content: '<?xml version="1.0"?>\n<assembly/>\n',
    packages: [],
  },
  {
    name: "Yocto's licence manifest tells recipes",
    path: "licenses/core-image-minimal/license.manifest",
    content: `PACKAGE NAME: libcrypto3
PACKAGE VERSION: 3.2.1
RECIPE NAME: openssl
LICENSE: Apache-2.0

PACKAGE NAME: busybox
PACKAGE VERSION: 1.36.1
RECIPE NAME: busybox
LICENSE: GPL-2.0-only & bzip2-1.0.4

PACKAGE NAME: odd
`,
    packages: [
      "pkg:opkg/openwrt/busybox@1.36.1 licence:GPL-2.0-only & bzip2-1.0.4 source:busybox@1.36.1",
      "pkg:opkg/openwrt/libcrypto3@3.2.1 licence:Apache-2.0 source:openssl@3.2.1",
    ],
    problems: ["malformed: version of odd"],
  },
];
