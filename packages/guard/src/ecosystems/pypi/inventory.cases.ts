import type { InventoryCase } from "../contract.cases.ts";
import { lockCases } from "./locks.cases.ts";

const requirements = `\ufeff# comment
Django==4.2.1            # why
requests[security,socks] == 2.31.0 ; python_version >= "3.8"
Flask_Login===0.6.2
cryptography==41.0.0 \\
    --hash=sha256:${"a".repeat(64)} \\
    --hash=sha256:${"b".repeat(64)}
zope.interface>=5,==5.4.0
numpy>=1.20
wild==1.*
-r missing/base.txt
--requirement=other.txt
-c constraints.txt
--index-url https://user:secret@example.com/simple
-e .
pkg @ https://user:hunter2@example.com/pkg.whl
https://user:hunter2@example.com/direct.whl
!!!
legacy (==1.0)
`;

export const cases: readonly InventoryCase[] = [
  ...lockCases,
  {
    name: "requirements: pins, extras, markers, hashes, continuations, options",
    path: "srv/requirements-prod.txt",
    content: requirements,
    packages: [
      "pkg:pypi/cryptography@41.0.0 direct line:5",
      "pkg:pypi/django@4.2.1 direct line:2",
      "pkg:pypi/flask-login@0.6.2 direct line:4",
      "pkg:pypi/legacy@1.0 direct line:19",
      "pkg:pypi/requests@2.31.0 direct line:3",
      "pkg:pypi/zope-interface@5.4.0 direct line:8",
    ],
    problems: [
      "malformed: line 18 is no requirement",
      "no-version: 5 without an exact version: numpy, wild, -e ., pkg, https://example.com/direct.whl",
      "not-applied: constraints that may give these a version: constraints.txt",
      "not-read: srv/missing/base.txt",
      "not-read: srv/other.txt",
    ],
  },
  {
    name: "requirements in a folder, Windows line ends",
    path: "requirements/base.txt",
    content: "a==1\r\nb==2\r\n",
    packages: ["pkg:pypi/a@1 direct line:1", "pkg:pypi/b@2 direct line:2"],
  },
  {
    name: "requirements made to be slow",
    path: "requirements.txt",
    content: `-r${" ".repeat(60_000)}a"b"c\nx${" ".repeat(60_000)}\u2028y==1\n${"requirements".repeat(5_000)}==1\n`,
    packages: [],
    problems: ["malformed:", "no-version: 1", "not-read:"],
  },
  { name: "empty requirements", path: "requirements.txt", content: "", packages: [] },
  {
    name: "an installed wheel",
    path: "usr/lib/python3/dist-packages/Foo_Bar-1.0.dist-info/METADATA",
    content: "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0.post1\nLicense: MIT\n\nName: not-this\n",
    packages: ["pkg:pypi/foo-bar@1.0.post1 installed licence:MIT"],
  },
  {
    name: "an installed egg, as a folder",
    path: "opt/x/PyYAML-6.0.egg-info/PKG-INFO",
    content: "Metadata-Version: 1.1\r\nName: PyYAML\r\nVersion: 6.0\r\nLicense: UNKNOWN\r\n\r\nText\r\n",
    packages: ["pkg:pypi/pyyaml@6.0 installed"],
  },
  {
    name: "an installed egg, as a file",
    path: "usr/lib/python3/dist-packages/six-1.16.0.egg-info",
    content: "Name: six\nVersion: 1.16.0\n",
    packages: ["pkg:pypi/six@1.16.0 installed"],
  },
  {
    name: "metadata without a version",
    path: "a.dist-info/METADATA",
    content: "Name: x\n\nVersion: 1\n",
    packages: [],
    problems: ["malformed: metadata"],
  },
  {
    name: "metadata with a path for a name",
    path: "a.dist-info/METADATA",
    content: "Name: ../x\nVersion: 1\n",
    packages: [],
    problems: ["malformed: distribution name"],
  },
];
