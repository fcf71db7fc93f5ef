import type { InventoryCase } from "../contract.cases.ts";

const installed = `C:Q1abcdefghijklmnopqrstuvwxyz0=
P:libcrypto3
V:3.3.1-r3
A:x86_64
S:1700000
T:Crypto library from openssl
U:https://www.openssl.org/
L:Apache-2.0
o:openssl
m:Someone <someone@example.org>
p:so:libcrypto.so.3=3.0.0
F:etc
F:etc/ssl
R:openssl.cnf
Z:Q1abcdefghijklmnopqrstuvwxyz0=
F:usr/lib
R:libcrypto.so.3

P:musl
V:1.2.5-r0
A:x86_64
L:MIT

P:bad name
V:1

P:noversion
A:x86_64

P:py3-pip
V:24.0-r2
A:noarch
o:py3-pip
`;

export const cases: readonly InventoryCase[] = [
  {
    name: "apk's database: origins, licences, what is malformed",
    path: "lib/apk/db/installed",
    content: installed,
    packages: [
      "pkg:apk/alpine/libcrypto3@3.3.1-r3?arch=x86_64 installed licence:Apache-2.0 source:openssl@3.3.1-r3",
      "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64 installed licence:MIT source:musl@1.2.5-r0",
      "pkg:apk/alpine/py3-pip@24.0-r2?arch=noarch installed source:py3-pip@24.0-r2",
    ],
    problems: ["malformed: package name", "malformed: version of noversion"],
  },
  {
    name: "apk's database where /lib is in /usr, with carriage returns",
    path: "usr/lib/apk/db/installed",
    content: "P:a\r\nV:1-r0\r\n\r\n\r\n",
    packages: ["pkg:apk/alpine/a@1-r0 installed source:a@1-r0"],
  },
  {
    name: "an apk database elsewhere is not this system's",
    path: "x/lib/apk/db/installed",
    content: installed,
    packages: [],
  },
];
