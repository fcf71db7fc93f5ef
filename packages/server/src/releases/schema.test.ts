import assert from "node:assert/strict";
import { test } from "node:test";
import type { NormalisedApp, Service } from "@flotilla/compose/app";
import { SERVICE_CASES } from "@flotilla/compose/service/service.cases";
import { NormalisedAppSchema } from "@flotilla/protocol/api/normalised-app";
import type { Static } from "typebox";
import { Value } from "typebox/value";
import { compose } from "./release.fixture.ts";

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
type OnTheWire = DeepReadonly<Static<typeof NormalisedAppSchema>>;

/** Compiles only while what compose makes is what the schema describes; at run time the cases below try every field. */
const toWire = (app: NormalisedApp): OnTheWire => app;

async function appWith(change: Partial<Service>): Promise<NormalisedApp> {
  const { app } = await compose("name: shop\nservices:\n  web: { image: web:1 }\n");
  assert.ok(app !== undefined);
  return { ...app, services: { web: { ...app.services["web"]!, ...change } } };
}

test("the schema takes every field that compose reads", async () => {
  for (const [yaml, expected] of SERVICE_CASES) {
    const app = toWire(await appWith(expected));
    const [error] = Value.Errors(NormalisedAppSchema, app);
    assert.ok(Value.Check(NormalisedAppSchema, app), `${yaml}: ${error?.instancePath} ${error?.message}`);
  }
});

const BAD: readonly (readonly [what: string, change: object])[] = [
  ["an unknown member", { surprise: true }],
  ["a relative bind mount", { mounts: [{ kind: "bind", source: "etc", target: "/e", readOnly: true }] }],
  ["a relative target", { mounts: [{ kind: "anonymous", target: "e", readOnly: true }] }],
  ["a port out of range", { ports: [{ target: 0, protocol: "tcp" }] }],
  ["a published name", { ports: [{ target: 80, published: "http", protocol: "tcp" }] }],
  ["too many replicas", { replicas: 101 }],
  ["a text without bound", { hostname: "x".repeat(2000) }],
  ["a list without bound", { capAdd: Array.from({ length: 1000 }, () => "X") }],
  ["a wrong type", { readOnly: "yes" }],
  ["a name with a slash", { networks: { "a/b": {} } }],
];
for (const [what, change] of BAD)
  test(`the schema refuses ${what}`, async () => {
    assert.equal(Value.Check(NormalisedAppSchema, await appWith(change)), false);
  });
