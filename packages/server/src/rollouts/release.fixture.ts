import { createHash } from "node:crypto";
import { deadlineSignal, toInstant } from "@flotilla/base/clock";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { TestServer } from "../testing.ts";

/** Puts a release into the database as if it had been made, without images; returns its digest. */
export async function addRelease(
  server: TestServer,
  {
    app = "web",
    number,
    variables = {},
    project = "default",
  }: {
    readonly app?: string;
    readonly number: number;
    readonly variables?: NormalisedApp["variables"];
    readonly project?: string;
  },
): Promise<string> {
  const digest = `sha256:${createHash("sha256").update(`${project} ${app} ${number}`).digest("hex")}`;
  const now = toInstant(server.context.clock.now());
  const image = { reference: "web:1", repository: `${project}/${app}-image`, digest, platforms: [] };
  const document = { format: 1, app, createdAt: now, compose: digest, images: { "web:1": image } };
  const compose = {
    format: 1,
    name: app,
    services: {},
    networks: {},
    volumes: {},
    configs: {},
    secrets: {},
    variables,
  };
  await server.context.database.write(async (trx) => {
    await trx
      .insertInto("apps")
      .values({ project, name: app, created_at: now, last_release: number })
      .onConflict((conflict) => conflict.columns(["project", "name"]).doUpdateSet({ last_release: number }))
      .execute();
    await trx
      .insertInto("releases")
      .values({
        id: `${app}-${number}`,
        project,
        app,
        number,
        digest,
        document: JSON.stringify(document),
        compose: JSON.stringify(compose),
        outcome: "pass",
        gate: JSON.stringify({ outcome: "pass", reasons: [], omitted: 0 }),
        sbom_digest: digest,
        verdict_digest: digest,
        created_at: now,
        created_by: "test",
      })
      .execute();
  });
  return digest;
}

/** Resolves with the first answer of `look` that `found` accepts; looks again after every event of the server, and rejects when nothing comes for long. */
export async function eventually<T>(
  server: TestServer,
  look: () => Promise<T>,
  found: (value: T) => boolean,
): Promise<T> {
  const deadline = deadlineSignal(30_000);
  for (;;) {
    const value = await look();
    if (found(value)) return value;
    if (deadline.aborted) throw new Error(`not within 30 s; last seen: ${JSON.stringify(value)}`);
    await server.context.clock.sleep(20);
  }
}
