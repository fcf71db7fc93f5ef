import type { InventoryCase } from "../contract.cases.ts";

const lock = {
  version: 1,
  dependencies: {
    "net8.0": {
      "Newtonsoft.Json": { type: "Direct", requested: "[13.0.1, )", resolved: "13.0.1", contentHash: "x" },
      Serilog: {
        type: "Direct",
        requested: "[3, )",
        resolved: "3.0.0-dev-01",
        dependencies: { "system.memory": "4.5.5" },
      },
      "System.Memory": { type: "Transitive", resolved: "4.5.5" },
      "my.project": { type: "Project" },
      "../evil": { type: "Transitive", resolved: "1.0.0" },
    },
    "net6.0": { "System.Memory": { type: "Direct", resolved: "4.5.5" } },
  },
};

const deps = {
  runtimeTarget: { name: ".NETCoreApp,Version=v8.0/linux-x64" },
  targets: {
    ".NETCoreApp,Version=v8.0": {},
    ".NETCoreApp,Version=v8.0/linux-x64": {
      "App/1.0.0": {
        dependencies: { "Newtonsoft.Json": "13.0.1", "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64": "8.0.1" },
        runtime: { "App.dll": {} },
      },
      "Newtonsoft.Json/13.0.1": { dependencies: { Inner: "2.0.0" }, runtime: { "lib/Newtonsoft.Json.dll": {} } },
      "Inner/2.0.0": { runtime: { "lib/Inner.dll": {} } },
      "System.Memory/4.5.4": {},
      "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": { runtime: { "x.dll": {} } },
    },
  },
  libraries: {
    "App/1.0.0": { type: "project" },
    "Newtonsoft.Json/13.0.1": { type: "package", sha512: "x" },
    "Inner/2.0.0": { type: "package" },
    "System.Memory/4.5.4": { type: "package" },
    "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": { type: "runtimepack" },
  },
};

export const cases: readonly InventoryCase[] = [
  {
    name: "packages.lock.json of two frameworks",
    path: "src/packages.lock.json",
    content: JSON.stringify(lock),
    packages: [
      "pkg:nuget/Newtonsoft.Json@13.0.1 direct",
      "pkg:nuget/Serilog@3.0.0-dev-01 direct",
      "pkg:nuget/System.Memory@4.5.5 direct by:Serilog@3.0.0-dev-01",
    ],
    problems: ["malformed: 1 that cannot be read: ../evil"],
  },
  {
    name: "packages.config",
    path: "web/packages.config",
    content: `<?xml version="1.0" encoding="utf-8"?>
<packages>
  <package id="jQuery" version="3.1.1" targetFramework="net46" />
  <!-- <package id="Gone" version="1.0.0" /> -->
  <package id='xunit' version='2.4.0' developmentDependency="true" />
  <package id="No.Version" />
</packages>
`,
    packages: ["pkg:nuget/jQuery@3.1.1", "pkg:nuget/xunit@2.4.0 dev"],
    problems: ["malformed: 1 that cannot be read: No.Version"],
  },
  {
    name: "a published program with its framework",
    path: "app/App.deps.json",
    content: JSON.stringify(deps),
    packages: [
      "pkg:nuget/Inner@2.0.0 installed indirect by:Newtonsoft.Json@13.0.1",
      "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@8.0.1 installed direct",
      "pkg:nuget/Newtonsoft.Json@13.0.1 installed direct",
    ],
  },
  { name: "no lists", path: "x.deps.json", content: "{}", packages: [], problems: ["malformed: no libraries"] },
];
