import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import { formatPurl } from "../../purl.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";

const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** `Package.resolved` of the Swift package manager and of Xcode, versions 1 to 3. It does not say what is direct. */
export const resolvedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "swift-resolved",
  maxBytes: MAX_FILE_BYTES,
  wants: (path) => path.endsWith("Package.resolved") && /(?:^|\/)Package\.resolved$/.test(path),
  read: readResolved,
};

function readResolved(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const inner = isObject(parsed.value["object"]) ? parsed.value["object"] : parsed.value;
  const pins = inner["pins"];
  if (!Array.isArray(pins)) return { packages: [], problems: ["malformed: no list of pins"] };
  const gathering = createGathering();
  for (const pin of pins) if (isObject(pin)) add(pin, gathering);
  return gathering.extraction();
}

function add(pin: JsonObject, gathering: Gathering): void {
  const label = textOf(pin["identity"]) ?? textOf(pin["package"]) ?? "";
  const name = repositoryName(textOf(pin["location"]) ?? textOf(pin["repositoryURL"]) ?? "");
  const state = isObject(pin["state"]) ? pin["state"] : {};
  const version = textOf(state["version"], 256);
  // A branch, a revision, a folder or a registry's own identity.
  if (version === undefined || name === undefined || pin["kind"] === "localSourceControl") gathering.unversioned(label);
  else if (!/^v?\d/.test(version)) gathering.malformed(label);
  else {
    const slash = name.lastIndexOf("/");
    const purl = formatPurl({ type: "swift", namespace: name.slice(0, slash), name: name.slice(slash + 1), version });
    gathering.add({ purl, name, version });
  }
}

/** `github.com/owner/name`, as advisories have it, of an https or ssh address; credentials and ports are left out. */
function repositoryName(location: string): string | undefined {
  const [, host, path] =
    /^(?:https?|ssh|git):\/\/(?:[^/@]{0,200}@)?([\w.-]{1,200})(?::\d{1,5})?\/(.+)$/.exec(location) ??
    /^(?:[\w-]{1,64}@)([\w.-]{1,200}):(?!\/)(.+)$/.exec(location) ??
    [];
  if (host === undefined || path === undefined) return undefined;
  const bare = path.replace(/\/$/, "").replace(/\.git$/, "");
  return /^[\w.~+-]+(?:\/[\w.~+-]+)*$/.test(bare) && !/(?:^|\/)\.\.?(?:\/|$)/.test(bare)
    ? `${host.toLowerCase()}/${bare}`
    : undefined;
}
