import type { Port } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import type { Place } from "../problem.ts";
import { quote, readChoice, readItems, readTemplate } from "../read.ts";
import type { Draft, Scope } from "../scope.ts";
import { plainText, splitTemplate } from "../template.ts";
import type { Node } from "../tree.ts";

/** Most ports that one range may become. */
const MAX_RANGE = 500;
const PROTOCOLS = ["tcp", "udp", "sctp"] as const;

interface PortDraft extends Draft<Omit<Port, "target">> {
  target?: string | undefined;
}

export const PORT_FIELDS: Fields<PortDraft> = {
  readers: {
    target: (draft, node, { problems }) => {
      draft.target = readTemplate(problems, node);
    },
    published: (draft, node, { problems }) => {
      draft.published = readTemplate(problems, node);
    },
    host_ip: (draft, node, { problems }) => {
      draft.hostIp = readTemplate(problems, node);
    },
    protocol: (draft, node, { problems }) => {
      draft.protocol = readChoice(problems, node, PROTOCOLS);
    },
    /** A label for people; and on one host both modes publish on the host. */
    name: () => {},
    mode: (_, node, { problems }) => {
      readChoice(problems, node, ["host", "ingress"]);
    },
  },
  refused: { app_protocol: "no proxy on the device would use it" },
};

/** `ports:` in the short form `[[ip:]published:]target[/protocol]`, with ranges, and in the long form. */
export function readPorts(node: Node, scope: Scope): readonly Port[] {
  const ports = readItems(scope.problems, node).flatMap((item) => {
    const draft = item.kind === "map" ? readLong(item, scope) : readShort(item, scope);
    return draft === undefined ? [] : expand(draft, item.place, scope);
  });
  return [...new Map(ports.map((port) => [keyOf(port), port])).values()];
}

/** The same port from two files, in whatever form, is one. */
function keyOf({ hostIp = "0.0.0.0", published, target, protocol }: Port): string {
  return `${hostIp} ${published ?? ""} ${target}/${protocol}`;
}

function readLong(node: Extract<Node, { kind: "map" }>, scope: Scope): PortDraft | undefined {
  const draft: PortDraft = {};
  readFields(node, PORT_FIELDS, draft, scope);
  if (draft.target !== undefined) return draft;
  scope.problems.add(node.place, "missing-field", "a port needs target");
  return undefined;
}

function readShort(node: Node, scope: Scope): PortDraft | undefined {
  const text = readTemplate(scope.problems, node);
  if (text === undefined) return undefined;
  const [address = "", protocol = "tcp", ...rest] = splitTemplate(text, "/");
  const known = PROTOCOLS.find((candidate) => candidate === protocol.toLowerCase());
  const pieces = splitAddress(address);
  if (known === undefined || rest.length > 0 || pieces === undefined) {
    scope.problems.add(node.place, "bad-value", `expected [[ip:]published:]target[/protocol], found ${quote(text)}`);
    return undefined;
  }
  return { ...pieces, protocol: known };
}

function splitAddress(address: string): PortDraft | undefined {
  const bracketed = /^\[([0-9a-fA-F:.]+)\]:(.*)$/.exec(address);
  const rest = splitTemplate(bracketed?.[2] ?? address, ":");
  const [first, second, third] = rest;
  if (bracketed !== null)
    return rest.length === 2 ? { hostIp: bracketed[1], published: first, target: second } : undefined;
  if (rest.length === 1) return { target: first };
  if (rest.length === 2) return { published: first === "" ? undefined : first, target: second };
  if (rest.length === 3) return { hostIp: first, published: second === "" ? undefined : second, target: third };
  return undefined;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** One port for each number of a range; a range of host ports for one target is left to the engine. */
function expand(draft: PortDraft, place: Place, scope: Scope): readonly Port[] {
  const target = readRange(draft.target ?? "");
  if (target === undefined) {
    scope.problems.add(place, "bad-value", `${quote(draft.target ?? "")} is no port of the container, from 1 to 65535`);
    return [];
  }
  const rest = {
    ...(draft.hostIp === undefined ? {} : { hostIp: draft.hostIp }),
    protocol: draft.protocol ?? "tcp",
  };
  const count = target.last - target.first + 1;
  const numbers = Array.from({ length: Math.min(count, MAX_RANGE) }, (_, index) => target.first + index);
  if (count > MAX_RANGE) scope.problems.add(place, "too-large", `a range may have ${MAX_RANGE} ports`);
  if (draft.published === undefined) return numbers.map((number) => ({ target: number, ...rest }));
  if (plainText(draft.published) === undefined && count === 1)
    return [{ target: target.first, published: draft.published, ...rest }];
  const published = readRange(draft.published, 0);
  if (published === undefined || (count > 1 && published.last - published.first + 1 !== count)) {
    scope.problems.add(
      place,
      "bad-value",
      `${quote(draft.published)} is no host port, or no range as long as the target's`,
    );
    return [];
  }
  if (count === 1) return [{ target: target.first, published: draft.published, ...rest }];
  return numbers.map((number, index) => ({ target: number, published: String(published.first + index), ...rest }));
}

function readRange(text: string, least = 1): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= least && last <= 65_535 && first <= last ? { first, last } : undefined;
}
