import assert from "node:assert/strict";
import { test } from "node:test";
import type { NormalisedApp } from "./app.ts";
import { findCycle, serviceOrder } from "./order.ts";

const CASES: readonly (readonly [graph: Readonly<Record<string, string>>, order: string, cycle?: string])[] = [
  [{ b: "", a: "" }, "a b"],
  [{ a: "b", b: "c", c: "" }, "c b a"],
  [{ web: "db cache", cache: "", db: "" }, "cache db web"],
  [{ a: "ghost" }, "a"],
  [{ a: "a" }, "a", "a"],
  [{ a: "b", b: "a", c: "" }, "c a b", "a b"],
  [{ z: "a", a: "b", b: "c", c: "a" }, "a b c z", "a b c"],
];

function appOf(graph: Readonly<Record<string, string>>): Pick<NormalisedApp, "services"> {
  const services = Object.entries(graph).map(([name, on]) => {
    const dependsOn = Object.fromEntries(
      on
        .split(" ")
        .filter(Boolean)
        .map((other) => [other, {}]),
    );
    return [name, { dependsOn }];
  });
  return { services: Object.fromEntries(services) };
}

for (const [graph, order, cycle] of CASES) {
  test(`orders ${JSON.stringify(graph)}`, () => {
    assert.equal(serviceOrder(appOf(graph)).join(" "), order);
    assert.equal(findCycle(appOf(graph))?.join(" "), cycle);
  });
}

test("sharing a namespace is waiting too, also where depends_on does not say so", () => {
  const shared = (networkMode: string) =>
    ({ dependsOn: {}, networkMode }) as unknown as NormalisedApp["services"][string];
  const alone = { dependsOn: {} } as unknown as NormalisedApp["services"][string];
  assert.deepEqual(serviceOrder({ services: { a: shared("service:z"), z: alone } }), ["z", "a"]);
  assert.deepEqual(findCycle({ services: { a: shared("service:b"), b: shared("service:a") } }), ["a", "b"]);
});
