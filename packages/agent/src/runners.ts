import { LABELS } from "./ports.ts";
import { createRunner } from "./reconcile.ts";
import { heldOf, type Running, track } from "./running.ts";

const SEARCH_AGAIN_MS = 30_000;

/** A runner for every app that is wanted, remembered or there. Without a target nothing is touched: it is not known what is wanted. */
export function startRunners(running: Running): void {
  const { target, journal } = running;
  if (target === undefined) return;
  const names = new Set([...Object.keys(target.apps), ...Object.keys(journal.state().apps)]);
  for (const name of names) ensureRunner(name, running);
  for (const [name, runner] of running.runners) runner.retarget(heldOf(target, name));
  track(running, findStrays(running));
}

/** Apps on the engine of which neither target nor journal knows. */
async function findStrays(running: Running): Promise<void> {
  const { engine, clock } = running.shared;
  while (!running.signal.aborted) {
    try {
      const { containers, networks } = await engine.list(running.signal);
      const names = [...containers.map(({ labels }) => labels[LABELS.app] ?? ""), ...networks.map(({ app }) => app)];
      for (const name of new Set(names)) if (name !== "") ensureRunner(name, running);
      return;
    } catch {
      // The engine is away: the runners report that.
      await clock.sleep(SEARCH_AGAIN_MS, running.signal).catch(() => undefined);
    }
  }
}

function ensureRunner(app: string, running: Running): void {
  if (running.runners.has(app) || running.signal.aborted) return;
  const runner = createRunner({
    app,
    target: heldOf(running.target, app),
    shared: running.shared,
    random: running.options.random ?? Math.random,
    publish: () => running.reporter.touch(),
  });
  running.runners.set(app, runner);
  track(
    running,
    runner.run(running.signal).finally(() => {
      running.runners.delete(app);
      // Wanted again while it was being removed.
      if (heldOf(running.target, app) !== undefined) ensureRunner(app, running);
      running.reporter.touch();
    }),
  );
}
