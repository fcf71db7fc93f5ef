import * as deb from "../ecosystems/deb/version.ts";
import { isObject, type JsonObject, textOf } from "../json.ts";
import type { Severity } from "../model.ts";
import { severityOfWord } from "../severity.ts";
import { CatalogueReader, type CatalogueReading, CVE_ID } from "./catalogue.ts";
import { isKeyPart, keyOf } from "./format.ts";

const PREFIX = "DEBIAN-";
const MAX_PACKAGES = 100_000;
/** Releases by their code names; `sid` has no release number and no stream of its own. */
const RELEASES: Readonly<Record<string, string>> = {
  jessie: "8",
  stretch: "9",
  buster: "10",
  bullseye: "11",
  bookworm: "12",
  trixie: "13",
  forky: "14",
};

/** Whether a JSON value is the Debian security tracker's data: source package → CVE → releases. */
export function isDebianTracker(value: unknown): value is JsonObject {
  if (!isObject(value)) return false;
  for (const name in value) {
    const vulnerabilities = value[name];
    if (!isObject(vulnerabilities)) return false;
    for (const id in vulnerabilities) {
      const entry = vulnerabilities[id];
      return isObject(entry) && isObject(entry["releases"]) && /^(?:CVE-|TEMP-)/.test(id);
    }
  }
  return false;
}

/**
 * What the tracker says of every release: open, fixed from a version on, or not affected (`fixed_version` 0). What it has not determined is
 * counted and left out.
 */
export function readDebianTracker(tracker: JsonObject): CatalogueReading {
  const reader = new CatalogueReader(PREFIX);
  const state = { undetermined: 0, packages: 0 };
  for (const [name, vulnerabilities] of Object.entries(tracker)) {
    if (++state.packages > MAX_PACKAGES) {
      reader.problem(`too-many-packages: more than ${MAX_PACKAGES}`);
      break;
    }
    if (!isObject(vulnerabilities) || !isKeyPart(name)) reader.malformed();
    else for (const [id, entry] of Object.entries(vulnerabilities)) readEntry(reader, state, name, id, entry);
  }
  if (state.undetermined > 0)
    reader.problem(
      `undetermined: of ${state.undetermined} releases the tracker does not say whether they are affected`,
    );
  return reader.finish();
}

function readEntry(
  reader: CatalogueReader,
  state: { undetermined: number },
  name: string,
  id: string,
  entry: unknown,
): void {
  if (id.startsWith("TEMP-")) return;
  if (!CVE_ID.test(id) || !isObject(entry) || !isObject(entry["releases"])) {
    reader.malformed();
    return;
  }
  for (const [release, said] of Object.entries(entry["releases"])) {
    const number = Object.hasOwn(RELEASES, release) ? RELEASES[release] : undefined;
    if (number === undefined) continue;
    if (!isObject(said)) {
      reader.malformed();
      continue;
    }
    const key = keyOf(`Debian:${number}`, name);
    const fixed = textOf(said["fixed_version"]);
    if (said["status"] === "open") reader.add(id, key, { introduced: "0" }, urgencyOf(said));
    else if (said["status"] === "undetermined") state.undetermined++;
    else if (said["status"] !== "resolved" || fixed === undefined || !deb.isValid(fixed)) reader.malformed();
    else if (fixed !== "0") reader.add(id, key, { introduced: "0", fixed }, urgencyOf(said));
  }
}

/** The tracker's own word, `low**` before somebody confirmed it; most have none. */
function urgencyOf(said: JsonObject): Severity {
  return severityOfWord((textOf(said["urgency"]) ?? "").replace(/\*+$/, "")) ?? "unknown";
}
