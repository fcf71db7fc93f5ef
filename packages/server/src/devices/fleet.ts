import { registerAssignments } from "../assignments/routes.ts";
import type { Context } from "../context.ts";
import { registerGateway } from "../gateway/gateway.ts";
import type { App } from "../http/app.ts";
import type { Releases } from "../releases/port.ts";
import { createRolloutController } from "../rollouts/controller.ts";
import { registerRollouts } from "../rollouts/routes.ts";
import { openTargetKey } from "../targets/target-key.ts";
import { createTargets } from "../targets/targets.ts";
import { registerVariables } from "../variables/routes.ts";
import { createSealer } from "../variables/seal.ts";
import { registerEnrolment } from "./enrol-route.ts";
import { createPresence } from "./presence.ts";
import { registerDevices } from "./routes.ts";

/** The fleet half of the control plane: devices and their gateway, variables, assignments, rollouts. Runs and ends with the app. */
export function registerFleet(app: App, context: Context, releases: Releases): void {
  const sealer = createSealer(context.serverKey.derive("variables"));
  const key = openTargetKey(context.config.dataDir);
  const presence = createPresence(context);
  const targets = createTargets({ context, releases, sealer, key });
  registerEnrolment(app, context, key.publicKey);
  registerDevices(app, context, presence);
  registerVariables(app, context, sealer);
  registerAssignments(app, context, releases);
  registerRollouts(app, context, releases);
  registerGateway(app, { context, targets, presence });
  runWhileListening(app, context, [
    (signal) => presence.run(signal),
    (signal) => createRolloutController(context).run(signal),
  ]);
}

/** Starts loops once the app listens, and waits for their end when it closes. */
function runWhileListening(
  app: App,
  { log }: Context,
  loops: readonly ((signal: AbortSignal) => Promise<void>)[],
): void {
  const stopped = new AbortController();
  let running: readonly Promise<void>[] = [];
  app.addHook("onListen", async () => {
    running = loops.map((loop) =>
      loop(stopped.signal).catch((error: unknown) => log.error({ error }, "a loop of the server ended")),
    );
  });
  app.addHook("onClose", async () => {
    stopped.abort();
    await Promise.all(running);
  });
}
