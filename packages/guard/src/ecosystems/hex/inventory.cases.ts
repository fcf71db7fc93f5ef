import type { InventoryCase } from "../contract.cases.ts";

const lock = `%{
  "castore": {:hex, :castore, "1.0.4", "abc", [:mix], [], "hexpm", "def"},
  "phoenix": {:hex, :phoenix, "1.7.10", "abc", [:mix], [{:castore, ">= 0.0.0", [hex: :castore, repo: "hexpm", optional: false]}, {:plug, "~> 1.14", [hex: :plug, repo: "hexpm", optional: false]}], "hexpm", "def"},
  "plug": {:hex, :plug, "1.15.0-rc.1", "abc", [:mix], [], "hexpm", "def"},
  "renamed": {:hex, :Other_Name, "0.1.0", "abc", [:rebar3], [], "hexpm", "def"},
  "forked": {:git, "https://example.com/x.git", "abc", [branch: "main"]},
  nonsense
}
`;

export const cases: readonly InventoryCase[] = [
  {
    name: "mix.lock",
    path: "app/mix.lock",
    content: lock,
    packages: [
      "pkg:hex/castore@1.0.4 line:2 by:phoenix@1.7.10",
      "pkg:hex/other_name@0.1.0 line:5",
      "pkg:hex/phoenix@1.7.10 line:3",
      "pkg:hex/plug@1.15.0-rc.1 line:4 by:phoenix@1.7.10",
    ],
    problems: ["malformed: 1 that cannot be read: line 7", "no-version: 1 from a URL or a folder"],
  },
  {
    name: "mix.lock made to be slow",
    path: "mix.lock",
    content: `${" ".repeat(70_000)}\n${'"a": {:hex, :a, "'.repeat(3000)}\n`,
    packages: [],
    problems: ["too-long: line 1", "malformed: 1"],
  },
];
