import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { AgentStatus } from "../agent.ts";
import { type AgentConfig, statePaths } from "../config.ts";
import { type Engine, type EngineContainer, EngineError, LABELS } from "../ports.ts";
import { readContainerLogs, renderLogs } from "./logs.ts";
import { readStatus, renderStatus } from "./status.ts";
import { serveStatus } from "./status-socket.ts";

const RELEASE = asDigest(`sha256:${"a".repeat(64)}`);
const BAD = asDigest(`sha256:${"b".repeat(64)}`);

function containerOf(service: string, changes: Partial<EngineContainer> = {}): EngineContainer {
  const labels = { [LABELS.app]: "shop", [LABELS.service]: service, [LABELS.replica]: "1", [LABELS.release]: RELEASE };
  const base = { id: service, name: `shop-${service}-1`, labels, image: RELEASE, restarts: 0 } as const;
  return { ...base, state: "running", health: "healthy", ...changes };
}

function engineOf(containers: readonly EngineContainer[] | EngineError): Engine {
  return {
    list: async () => {
      if (containers instanceof EngineError) throw containers;
      return { containers, networks: [], volumes: [] };
    },
    logs: async (id: string, lines: number) => `${id} says\n${lines} lines\n`,
  } as unknown as Engine;
}

describe("status", () => {
  let folder = "";
  let config: AgentConfig;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-status-"));
    const known = { format: 1, server: "https://s.example", device: "d", project: "p", name: "press" } as const;
    config = { ...known, targetKey: "k", stateDir: folder };
  });
  after(() => rm(folder, { recursive: true }));

  it("shows what the engine runs when the agent does not run", async () => {
    const status = await readStatus(
      config,
      engineOf([containerOf("web"), containerOf("db", { health: "none", restarts: 3 })]),
    );
    assert.equal(status.agent.running, false);
    const text = renderStatus(status);
    assert.match(text, /the agent does not run; start it with/);
    assert.match(text, /shop\/db +running +- +3 +sha256:aaaaaaaaaaaa +shop-db-1\nshop\/web +running +healthy +0/);
  });

  it("says when the engine is away, and what to look at", async () => {
    const text = renderStatus(await readStatus(config, engineOf(new EngineError(0, "cannot be reached"))));
    assert.match(text, /engine: cannot be reached; see: flotilla-agent doctor/);
    assert.doesNotMatch(text, /no containers/);
  });

  it("asks the running agent over a socket that only its owner can open", async () => {
    const stop = new AbortController();
    const reason = "web: \u001b[31mport 8080 answers nothing";
    const verdict = {
      kind: "rollback",
      release: BAD,
      variablesHash: RELEASE,
      code: "unhealthy",
      reason,
      at: "2026-11-24T08:00:00.000Z",
    } as const;
    const live: AgentStatus = {
      connected: true,
      targetVersion: 9,
      apps: {
        shop: {
          release: RELEASE,
          target: BAD,
          phase: "downloading",
          progress: { doneBytes: 1000, totalBytes: 5000 },
          verdict,
          containers: [],
        },
      },
    };
    const { socket } = statePaths(folder);
    await serveStatus(socket, { status: () => live }, "0.1.0", stop.signal);
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
    const status = await readStatus(config, engineOf([]));
    assert.deepEqual(status.apps, live.apps);
    const text = renderStatus(status);
    assert.match(text, /agent 0\.1\.0 runs \(process \d+\), connected to https:\/\/s\.example, target version 9/);
    assert.match(text, /shop: sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb, downloading 1\.0 kB of 5\.0 kB/);
    assert.match(text, /rollback of sha256:bbbbbbbbbbbb at .*port 8080 answers nothing \(unhealthy\)/);
    assert.ok(!text.includes("\u001b"), "no terminal escapes of others");
    stop.abort();
  });
});

describe("logs", () => {
  it("puts each line behind its service, and one service alone as it is", async () => {
    const engine = engineOf([containerOf("web"), containerOf("db")]);
    const all = await readContainerLogs(engine, { lines: 5 });
    assert.equal(
      renderLogs(all),
      "shop/db.1  | db says\nshop/db.1  | 5 lines\nshop/web.1 | web says\nshop/web.1 | 5 lines\n",
    );
    assert.equal(
      renderLogs(await readContainerLogs(engine, { app: "shop", service: "web", lines: 2 })),
      "web says\n2 lines\n",
    );
  });

  it("names what there is when nothing matches", async () => {
    const engine = engineOf([containerOf("web")]);
    await assert.rejects(readContainerLogs(engine, { app: "blog", lines: 1 }), {
      code: "no-containers",
      message: /shop\/web/,
    });
  });
});
