import assert from "node:assert/strict";
import { test } from "node:test";
import { uuidv7 } from "./uuid.ts";

test("ids are of version 7, sort by time and do not repeat", () => {
  const early = uuidv7(1_700_000_000_000);
  const late = uuidv7(1_700_000_000_001);
  for (const id of [early, late])
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(early < late);
  assert.equal(Number.parseInt(early.replaceAll("-", "").slice(0, 12), 16), 1_700_000_000_000);
  assert.notEqual(uuidv7(0), uuidv7(0));
});
