import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Command, parseCommand } from "./arguments.ts";

const COMMANDS: readonly [string, Command][] = [
  ["", { kind: "help" }],
  ["--help", { kind: "help" }],
  ["status --help", { kind: "help" }],
  ["version", { kind: "version", json: false }],
  ["--version", { kind: "version", json: false }],
  ["run --config /c", { kind: "run", config: "/c" }],
  ["status --json", { kind: "status", json: true }],
  ["logs", { kind: "logs", json: false, lines: 100 }],
  ["logs shop/web -n 5", { kind: "logs", json: false, app: "shop", service: "web", lines: 5 }],
  ["logs shop", { kind: "logs", json: false, app: "shop", lines: 100 }],
  ["doctor", { kind: "doctor", json: false }],
  [
    "enrol --server https://s --token flp_1 --name n",
    { kind: "enrol", json: false, server: "https://s", token: "flp_1", name: "n", again: false },
  ],
];

const REFUSED: readonly [string, RegExp][] = [
  ["frobnicate", /there is no command "frobnicate"/],
  ["status --lines 3", /"status" takes no option --lines/],
  ["status extra", /"status" takes no argument "extra"/],
  ["logs --lines many", /--lines is a number/],
  ["logs a b", /takes one argument/],
  ["enrol --token flp_1", /missing --server/],
  ["enrol --server https://s", /missing --token/],
  ["status --colour", /--colour/],
];

describe("arguments", () => {
  for (const [line, expected] of COMMANDS)
    it(`reads "${line}"`, () => assert.deepEqual(parseCommand(line.split(" ").filter(Boolean)), expected));
  for (const [line, message] of REFUSED)
    it(`refuses "${line}"`, () => assert.throws(() => parseCommand(line.split(" ")), { code: "usage", message }));
  it("takes the token from the environment", () => {
    const command = parseCommand(["enrol", "--server", "https://s"], "flp_2");
    assert.equal(command.kind === "enrol" && command.token, "flp_2");
  });
});
