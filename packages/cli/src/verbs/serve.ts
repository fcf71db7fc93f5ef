import { Command } from "commander";

const HELP = `
Every option can stand in the file of --config (YAML or JSON, by the same name) and in the environment (FLOTILLA_PUBLIC_URL, FLOTILLA_DATA, …).
The command line wins over the environment, the environment over the file. An unknown key in the file is an error.

Off loopback the server speaks TLS only: with --tls-cert and --tls-key, or with a certificate authority of its own that it makes at the first
start and that devices pin by its fingerprint.

Examples:
  $ flotilla serve                                                          try it here, on http://127.0.0.1:8080
  $ flotilla serve --data /var/lib/flotilla --listen :8443 --public-url https://fleet.example:8443
  $ flotilla serve --data ./data --owner-token-file ./owner-token           no link to click: for scripts
  $ flotilla serve --config /etc/flotilla.yaml`;

/** `flotilla serve`: the whole control plane in this process. */
export function serveCommand(): Command {
  return new Command("serve")
    .description("Run the server: registry, releases, rollouts, devices, in one process.")
    .option("--data <dir>", "folder of the database and the blobs (default: flotilla-data)")
    .option("--listen <address>", "HOST:PORT; :PORT is every address of the machine (default: 127.0.0.1:8080)")
    .option("--public-url <url>", "how clients and devices reach the server (default: made of --listen)")
    .option("--config <file>", "read options from this file")
    .option("--owner-token-file <file>", "first start: make an owner and write an API token for it here (mode 0600)")
    .option("--tls <mode>", "auto, or own-authority also on loopback (default: auto)")
    .option("--tls-cert <file>", "PEM file of the certificate and its chain; read again when it changes")
    .option("--tls-key <file>", "PEM file of its private key")
    .option("--requests-per-minute <count>", "most requests from one address (default: 12000)")
    .option("--trusted-proxies <list>", "addresses or networks, by comma, whose X-Forwarded-* headers are believed")
    .option("--log-level <level>", "debug, info, warn or error (default: info)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      // Only this verb needs the server: the others start without loading it.
      const { runServer } = await import("@flotilla/server/main");
      await runServer(flagsOf(command));
    });
}

/** The options given, by their names on the command line. */
function flagsOf(command: Command): Record<string, string> {
  const flags: Record<string, string> = {};
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === "string") flags[option.name()] = value;
  }
  return flags;
}
