import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCompose } from "../parse.ts";
import { appProblems } from "../validate.ts";

async function parse(fields: string) {
  const text = `name: shop\nservices:\n  db: { image: db }\n  web: { image: web, ${fields} }\n`;
  return parseCompose({ files: [{ path: "compose.yaml", text }], env: {}, read: async () => undefined });
}

const START_FIRST = "x-flotilla: { strategy: start-first }";
const REFUSED: readonly (readonly [fields: string, message: RegExp])[] = [
  [`${START_FIRST}, ports: ["8080:80"]`, /fixed host port 8080/],
  ["labels: { io.flotilla.strategy: start-first }, ports: ['127.0.0.1:8080:80/udp']", /fixed host port 8080/],
  [`${START_FIRST}, network_mode: host`, /host's network/],
  [`${START_FIRST}, network_mode: "service:db"`, /another service's namespace/],
  ["x-flotilla: { strategy: sideways }", /a strategy is recreate, start-first or delete-then-download/],
  ["labels: { io.flotilla.strategy: sideways }", /a strategy is recreate, start-first or delete-then-download/],
  ["labels: { io.flotilla.other: x }", /the agent's own/],
];
for (const [fields, message] of REFUSED)
  test(`refused: ${fields}`, async () => {
    const { app, problems } = await parse(fields);
    assert.equal(app, undefined);
    assert.match(problems.map((problem) => problem.message).join("; "), message);
  });

const HONOURED = [`${START_FIRST}, ports: ["80"]`, `${START_FIRST}, ports: ["8080-8090:80"]`, START_FIRST];
for (const fields of HONOURED)
  test(`honoured: ${fields}`, async () => {
    const { app, problems } = await parse(fields);
    assert.deepEqual(problems, []);
    assert.equal(app?.services.web?.strategy, "start-first");
  });

test("a normal form that says start-first with a fixed port is refused too", async () => {
  const { app } = await parse(START_FIRST);
  const web = { ...app!.services.web!, ports: [{ target: 80, published: "8080", protocol: "tcp" as const }] };
  const [problem] = appProblems({ ...app!, services: { ...app!.services, web } });
  assert.equal(problem?.field, "services.web.strategy");
});
