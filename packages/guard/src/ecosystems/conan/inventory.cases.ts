import type { InventoryCase } from "../contract.cases.ts";

const v2 = {
  version: "0.5",
  requires: ["zlib/1.2.11#abc%1675278126.0", "openssl/1.1.1w@user/channel#abc", "../evil/1.0"],
  build_requires: ["cmake/3.25.0#abc"],
  python_requires: [],
};

const v1 = {
  graph_lock: {
    nodes: {
      "0": { options: "", requires: ["1"], path: "conanfile.txt", context: "host" },
      "1": { ref: "libcurl/7.80.0#abc", requires: ["2"], context: "host" },
      "2": { ref: "zlib/1.2.11", context: "host" },
      "3": { ref: "cmake/3.22.0", context: "build" },
    },
  },
  version: "0.4",
};

export const cases: readonly InventoryCase[] = [
  {
    name: "Conan 2",
    path: "conan.lock",
    content: JSON.stringify(v2),
    packages: ["pkg:conan/cmake@3.25.0 dev", "pkg:conan/openssl@1.1.1w", "pkg:conan/zlib@1.2.11"],
    problems: ["malformed: 1 that cannot be read: ../evil/1.0"],
  },
  {
    name: "Conan 1",
    path: "x/conan.lock",
    content: JSON.stringify(v1),
    packages: [
      "pkg:conan/cmake@3.22.0 dev indirect",
      "pkg:conan/libcurl@7.80.0 direct",
      "pkg:conan/zlib@1.2.11 indirect by:libcurl@7.80.0",
    ],
  },
  { name: "neither", path: "conan.lock", content: "{}", packages: [], problems: ["malformed: neither"] },
];
