import type { Service } from "../app.ts";
import { quote, readText } from "../read.ts";
import type { Draft, Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

/** A service whose namespace a field shares. */
const SERVICE = /^service:(.+)$/;

/** `network_mode:`: `bridge`, `host`, `none` or `service:x`. */
export function readNetworkMode(node: Node, scope: Scope): Service["networkMode"] {
  const mode = readMode(node, ["bridge", "host", "none"], scope);
  if (mode === "bridge" || mode === "host" || mode === "none") return mode;
  const shared = mode === undefined ? undefined : sharedService(mode);
  return shared === undefined ? undefined : `service:${shared}`;
}

/** `pid:`: `host` or `service:x`. */
export function readPidMode(node: Node, scope: Scope): string | undefined {
  return readMode(node, ["host"], scope);
}

/** `ipc:`: `host`, `private`, `shareable`, `none` or `service:x`. */
export function readIpcMode(node: Node, scope: Scope): string | undefined {
  return readMode(node, ["host", "private", "shareable", "none"], scope);
}

/** The service that a mode names, or undefined. */
export function sharedService(mode: string | undefined): string | undefined {
  return SERVICE.exec(mode ?? "")?.[1];
}

/** The services whose namespaces a service shares: they have to stand before it. */
export function sharedServices(
  service: Draft<Pick<Service, "networkMode" | "pidMode" | "ipcMode">>,
): readonly string[] {
  const modes = [service.networkMode, service.pidMode, service.ipcMode];
  return [...new Set(modes.map(sharedService).filter((name) => name !== undefined))];
}

function readMode(node: Node, modes: readonly string[], scope: Scope): string | undefined {
  const text = readText(scope.problems, node);
  if (text === undefined || modes.includes(text)) return text;
  const name = sharedService(text);
  if (name !== undefined) {
    scope.uses.push({ kind: "service", name, place: node.place });
    return text;
  }
  const why = text.startsWith("container:")
    ? "a container that no app declares cannot be followed through updates: name a service as service:NAME"
    : `expected ${[...modes, "service:NAME"].join(", ")}; found ${quote(text)}`;
  scope.problems.add(node.place, text.startsWith("container:") ? "unsupported-field" : "bad-value", why);
  return undefined;
}
