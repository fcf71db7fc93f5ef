import type { InventoryCase } from "../contract.cases.ts";

const lock = `PODS:
  - AFNetworking (4.0.1):
    - AFNetworking/NSURLSession (= 4.0.1)
    - Reachability
  - AFNetworking/NSURLSession (4.0.1)
  - "GoogleUtilities/NSData+zlib (7.11.5)"
  - Local (0.1.0)
  - Reachability (3.2)
  - nonsense

DEPENDENCIES:
  - AFNetworking (~> 4.0)
  - Local (from \`../Local\`)

SPEC REPOS:
  trunk:
    - AFNetworking

EXTERNAL SOURCES:
  Local:
    :path: "../Local"

SPEC CHECKSUMS:
  AFNetworking: abc

PODFILE CHECKSUM: def

COCOAPODS: 1.12.1
`;

export const cases: readonly InventoryCase[] = [
  {
    name: "Podfile.lock",
    path: "ios/Podfile.lock",
    content: lock,
    packages: [
      "pkg:cocoapods/AFNetworking@4.0.1 direct",
      "pkg:cocoapods/GoogleUtilities@7.11.5 indirect",
      "pkg:cocoapods/Reachability@3.2 indirect by:AFNetworking@4.0.1",
    ],
    problems: ["malformed: 1 that cannot be read: nonsense", "no-version: 1 from a URL or a folder"],
  },
];
