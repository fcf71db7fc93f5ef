import { systemClock } from "@flotilla/base/clock";
import { destination, pino, stdSerializers } from "pino";
import { loadSettings } from "./config.ts";
import { type RunningServer, startServer } from "./serve.ts";

const STDERR = 2;

/** Runs a server until SIGTERM or SIGINT: people read standard output, the log goes to standard error as JSON lines. */
export async function runServer(flags: Readonly<Record<string, string | undefined>>): Promise<void> {
  const settings = loadSettings(flags);
  const log = pino(
    { level: settings.logLevel, base: null, serializers: { error: stdSerializers.err } },
    destination({ fd: STDERR, sync: true }),
  );
  const server = await startServer({ settings, clock: systemClock, log });
  // Listened for before anybody reads that it runs: who waits for the line may send the signal at once.
  const told = nextSignal();
  announce(server);
  const signal = await told;
  log.info({ signal }, "server stops");
  await server.stop();
}

function announce({ url, setupUrl, context }: RunningServer): void {
  const { config, tls } = context;
  const lines = [`Flotilla ${config.version} listens on ${url}, its data is in ${config.dataDir}`];
  if (tls?.caFingerprint !== undefined)
    lines.push(`Its own certificate authority has the SHA-256 fingerprint ${tls.caFingerprint}`);
  if (setupUrl !== undefined)
    lines.push("Nobody can sign in yet. Become the first owner with this link (once, within a day):", `  ${setupUrl}`);
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The first signal stops gently; the second one ends the process as the system would. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}
