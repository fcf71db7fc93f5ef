import { readFile } from "node:fs/promises";

const TEMPLATE = new URL("./install.sh", import.meta.url);
const UNIT = new URL("./flotilla-agent.service", import.meta.url);

export interface InstallScriptOptions {
  /** The server's public URL. */
  readonly server: string;
  readonly version: string;
  /** SHA-256 in hex by file name. */
  readonly checksums: ReadonlyMap<string, string>;
}

/** The shell script that makes a machine a device of this server: everything it downloads is named by its checksum. */
export async function installScript({ server, version, checksums }: InstallScriptOptions): Promise<string> {
  const [template, unit] = await Promise.all([readFile(TEMPLATE, "utf8"), readFile(UNIT, "utf8")]);
  const sums = [...checksums].map(([name, sum]) => `${sum} ${name}`).join("\n");
  const [comment, ...rest] = template.replaceAll("@VERSION@", version).split("SERVER=@SERVER@");
  return [(comment ?? "").replace("@SERVER@", new URL(server).origin), ...rest]
    .join(`SERVER=${shellQuoted(server)}`)
    .replace("@CHECKSUMS@", sums)
    .replace("@UNIT@", () => unit.trimEnd());
}

/** `text` as one word of POSIX shell. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
