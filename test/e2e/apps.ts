// The applications of the stories as compose files.
import assert from "node:assert/strict";
import type { ReleaseDetail } from "@flotilla/protocol/api/releases";
import type { Rollout } from "@flotilla/protocol/api/rollouts";
import type { Result, Scratch, Server } from "./harness.ts";

/** One service that serves a page on a port of the device and keeps a volume. */
export function webApp(image: string, port: number): string {
  return `name: shop
services:
  web:
    image: ${image}
    ports: ["127.0.0.1:${port}:8080"]
    volumes: ["data:/data"]
    stop_grace_period: 1s
    x-flotilla:
      probe: { http: { port: 8080, path: / }, deadline: 20s }
volumes:
  data: {}
`;
}

export async function createRelease(server: Server, scratch: Scratch, compose: string): Promise<Result> {
  return server.flotilla(
    "release",
    "create",
    "-f",
    scratch.write(`compose-${Math.random().toString(36).slice(2)}.yaml`, compose),
    "--json",
  );
}

/** Makes a release that must pass, and gives its digest. */
export async function mustRelease(server: Server, scratch: Scratch, compose: string): Promise<string> {
  const result = await createRelease(server, scratch, compose);
  assert.equal(result.code, 0, `release create failed (${result.code}):\n${result.stdout}\n${result.stderr}`);
  return (JSON.parse(result.stdout) as Pick<ReleaseDetail, "digest">).digest;
}

export function startRollout(server: Server, app: string, release: string, ...options: string[]): Promise<Rollout> {
  return server.json<Rollout>("rollout", "create", app, release, ...options);
}

export function rollout(server: Server, id: string): Promise<Rollout> {
  return server.get(`/api/v1/projects/default/rollouts/${id}`);
}

/** The page that the device serves on `port`, or undefined when nothing answers. */
export async function pageOf(port: number): Promise<string | undefined> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) })).text();
  } catch {
    return undefined;
  }
}
