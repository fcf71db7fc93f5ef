import type { InventoryCase } from "../contract.cases.ts";

/** A program: its first bytes, filling, texts with a zero before and behind each, filling. */
function program(...texts: readonly string[]): Buffer {
  return Buffer.from(`\x7fELF${"\x01".repeat(700)}\0${texts.join("\0")}\0${"\x02".repeat(700)}`, "latin1");
}

const TOLD: readonly (readonly [path: string, text: string, purl: string])[] = [
  ["bin/busybox", "BusyBox v1.36.1 (2024-06-10 07:11:47 UTC)", "pkg:generic/busybox@1.36.1"],
  ["usr/local/lib/libcrypto.so.3", "OpenSSL 3.0.13 30 Jan 2024", "pkg:generic/openssl@3.0.13"],
  ["usr/local/lib/libssl.so.1.1", "OpenSSL 1.1.1zb  11 Feb 2025", "pkg:generic/openssl@1.1.1zb"],
  ["opt/bin/openssl", "OpenSSL 1.0.2k-fips  26 Jan 2017", "pkg:generic/openssl@1.0.2k"],
  ["usr/lib/libcurl.so.4.8.0", "libcurl/8.5.0", "pkg:generic/curl@8.5.0"],
  ["usr/bin/curl", "curl 8.5.0 (mipsel-openwrt-linux-gnu) %s", "pkg:generic/curl@8.5.0"],
  ["usr/sbin/nginx", "nginx version: nginx/1.25.3", "pkg:generic/nginx@1.25.3"],
  ["usr/sbin/dropbear", "SSH-2.0-dropbear_2022.83", "pkg:generic/dropbear@2022.83"],
  ["opt/node/bin/node", "https://example.org/node.js/v20.11.0/x", "pkg:generic/node@20.11.0"],
  ["usr/local/bin/python3.12", "3.12.4", "pkg:generic/python@3.12.4"],
  ["usr/lib/libsqlite3.so.0.8.6", "3.45.1", "pkg:generic/sqlite@3.45.1"],
  ["lib/libz.so.1", " deflate 1.3.1 Copyright 1995-2024 Jean-loup Gailly", "pkg:generic/zlib@1.3.1"],
  ["boot/u-boot-sunxi.bin", "U-Boot 2024.01-OpenWrt (Jan 08 2024 - 15:37:48 +0000)", "pkg:generic/u-boot@2024.01"],
  [
    "boot/vmlinuz-6.6.31+rpt",
    "6.6.31+rpt-rpi-v8 (builder@host.example) #1 SMP PREEMPT",
    "pkg:generic/linux@6.6.31%2Brpt-rpi-v8",
  ],
  [
    "boot/Image",
    "Linux version 5.15.0-yocto (oe-user@oe-host) (gcc 11.4.0, ld 2.38) #1 SMP",
    "pkg:generic/linux@5.15.0-yocto",
  ],
];

export const cases: readonly InventoryCase[] = [
  ...TOLD.map(([path, text, purl]) => ({
    name: `${path} tells ${purl}`,
    path,
    content: program("usage", text, "1.2.3"),
    packages: [`${purl} installed`],
  })),
  {
    name: "a text file of such a name",
    path: "bin/busybox",
    content: `#!/bin/sh\n${" ".repeat(2000)}\n# BusyBox v1.36.1 (2024)`,
    packages: [],
  },
  {
    name: "two versions tell none",
    path: "usr/lib/libsqlite3.so.0",
    content: program("3.45.1", "3.8.0"),
    packages: [],
    problems: ["ambiguous-version: sqlite names several versions (3.45.1, 3.8.0)"],
  },
  { name: "a version of another", path: "usr/bin/python3.12", content: program("3.11.2", "13.12.4"), packages: [] },
  {
    name: "a program of a name that nobody knows",
    path: "usr/bin/other",
    content: program("BusyBox v1.36.1 (2024)"),
    packages: [],
  },
];
