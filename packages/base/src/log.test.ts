import assert from "node:assert/strict";
import { test } from "node:test";
import { createJsonLog, withFields } from "./log.ts";

test("lines are JSON with time, level, message and fields; what is below the level is dropped", () => {
  const lines: unknown[] = [];
  const log = withFields(
    createJsonLog(
      (line) => lines.push(JSON.parse(line)),
      () => 0,
      "warn",
    ),
    { device: "d1" },
  );
  log.info({}, "dropped");
  log.warn({ code: "x" }, "kept");
  assert.deepEqual(lines, [
    { time: "1970-01-01T00:00:00.000Z", level: "warn", message: "kept", device: "d1", code: "x" },
  ]);
});

test("an error among the fields keeps its message and stack", () => {
  const lines: string[] = [];
  createJsonLog(
    (line) => lines.push(line),
    () => 0,
  ).error({ error: new TypeError("bad") }, "failed");
  const { error } = JSON.parse(lines[0] ?? "") as { error: { name: string; message: string; stack: string } };
  assert.deepEqual([error.name, error.message], ["TypeError", "bad"]);
  assert.match(error.stack, /log\.test\.ts/);
});
