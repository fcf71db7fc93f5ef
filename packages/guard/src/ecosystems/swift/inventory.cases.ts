import type { InventoryCase } from "../contract.cases.ts";

const v2 = {
  version: 2,
  pins: [
    {
      identity: "swift-nio",
      kind: "remoteSourceControl",
      location: "https://user:secret@GitHub.com/apple/swift-nio.git",
      state: { revision: "abc", version: "2.62.0" },
    },
    {
      identity: "vapor",
      kind: "remoteSourceControl",
      location: "git@github.com:vapor/vapor.git",
      state: { revision: "abc", version: "4.89.0-beta.1" },
    },
    { identity: "branch", kind: "remoteSourceControl", location: "https://github.com/a/b", state: { branch: "main" } },
    { identity: "local", kind: "localSourceControl", location: "/src/x", state: { version: "1.0.0" } },
    { identity: "evil", location: "https://github.com/../x", state: { version: "1.0.0" } },
  ],
};

const v1 = {
  object: {
    pins: [
      {
        package: "Alamofire",
        repositoryURL: "https://github.com/Alamofire/Alamofire",
        state: { branch: null, revision: "abc", version: "5.8.1" },
      },
    ],
  },
  version: 1,
};

export const cases: readonly InventoryCase[] = [
  {
    name: "Package.resolved version 2",
    path: "Package.resolved",
    content: JSON.stringify(v2),
    packages: ["pkg:swift/github.com/apple/swift-nio@2.62.0", "pkg:swift/github.com/vapor/vapor@4.89.0-beta.1"],
    problems: ["no-version: 3 from a URL or a folder, not in a registry: branch, local, evil"],
  },
  {
    name: "Package.resolved version 1, of Xcode",
    path: "App.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved",
    content: JSON.stringify(v1),
    packages: ["pkg:swift/github.com/Alamofire/Alamofire@5.8.1"],
  },
  { name: "no pins", path: "Package.resolved", content: "{}", packages: [], problems: ["malformed: no list of pins"] },
];
