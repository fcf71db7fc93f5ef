// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeApp, fakeService } from "./release.fake.ts";
import { fillApp } from "./variables.ts";

const web = fakeService({
  image: "web:1",
  environment: { SITE: "${SITE:-bergen}", COST: "$$5" },
  ports: [{ target: 80, published: "${PORT}", protocol: "tcp" }],
  mounts: [{ kind: "bind", source: "${DIR}", target: "/data", readOnly: false }],
});
const shop = fakeApp(
  { web },
  {
    variables: { SITE: { default: "" }, PORT: { default: "80" }, DIR: { default: "/srv" }, TOKEN: {} },
    secrets: { token: { kind: "variable", variable: "TOKEN" } },
    configs: { motd: { kind: "content", content: "at ${SITE:-home}" } },
  },
);

test("fills every text of the app, given values over defaults", () => {
  const { app, secrets } = fillApp(shop, { TOKEN: "s3cret", PORT: "81", OTHER: "x" });
  assert.deepEqual(app.services["web"]?.environment, { SITE: "bergen", COST: "$5" });
  assert.equal(app.services["web"]?.ports[0]?.published, "81");
  assert.deepEqual(app.configs["motd"], { kind: "content", content: "at home" });
  assert.deepEqual(secrets, { token: "s3cret" });
});

const REFUSED: readonly (readonly [values: Readonly<Record<string, string>>, code: string, message: RegExp])[] = [
  [{}, "variable-missing", /secrets\.token: .*TOKEN has no value/],
  [{ TOKEN: "x", PORT: "http" }, "variable-invalid", /services\.web\.ports: a published port is a number/],
  [{ TOKEN: "x", PORT: "99999" }, "variable-invalid", /services\.web\.ports/],
  [{ TOKEN: "x", DIR: "srv" }, "variable-invalid", /services\.web\.mounts: .*not an absolute path/],
  [{ TOKEN: "x", DIR: "/srv/../etc" }, "variable-invalid", /services\.web\.mounts/],
];
for (const [values, code, message] of REFUSED)
  test(`refuses ${JSON.stringify(values)}`, () => assert.throws(() => fillApp(shop, values), { code, message }));

test("a name that every object has is no value", () => {
  const odd = fakeApp(
    { web: fakeService({ image: "web:1", environment: { A: "${toString}" } }) },
    { variables: { toString: {} } },
  );
  assert.throws(() => fillApp(odd, {}), { code: "variable-missing" });
});

test("a refused value is not shown: it may be a secret", () => {
  assert.throws(
    () => fillApp(shop, { TOKEN: "x", PORT: "hunter2" }),
    ({ message }: Error) => !message.includes("hunter2"),
  );
});
