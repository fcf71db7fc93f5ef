import assert from "node:assert/strict";
import { test } from "node:test";
import { isCoded } from "@flotilla/base/errors";
import { normaliseServer } from "./session.ts";

test("a server's address is made whole, and clear text stays on this machine", () => {
  const good: readonly (readonly [string, string])[] = [
    ["fleet.example", "https://fleet.example"],
    ["https://fleet.example/", "https://fleet.example"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://localhost:8080/", "http://localhost:8080"],
    ["http://[::1]:8080", "http://[::1]:8080"],
  ];
  for (const [text, expected] of good) assert.equal(normaliseServer(text), expected);
  for (const bad of ["http://fleet.example", "ftp://fleet.example", "https://", "http://127.0.0.1.example"]) {
    assert.throws(
      () => normaliseServer(bad),
      (error) => isCoded(error, "usage"),
      bad,
    );
  }
});
