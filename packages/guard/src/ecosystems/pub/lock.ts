import { formatPurl } from "../../purl.ts";
import { isYamlMap, mapAt, parseBlockYaml, textAt } from "../block-yaml.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";

const MAX_LOCK_BYTES = 8 * 1024 * 1024;

/** `pubspec.lock` of Dart and Flutter. What comes with the SDK has no version of its own. */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "pub-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("pubspec.lock") && /(?:^|\/)pubspec\.lock$/.test(path),
  read: readLock,
};

function readLock(file: WholeFile): Extraction {
  const gathering = createGathering();
  const { documents, problems } = parseBlockYaml(file.bytes);
  for (const problem of problems) gathering.problem(problem);
  for (const [name, entry] of Object.entries(mapAt(documents[0] ?? {}, "packages"))) {
    const version = isYamlMap(entry) ? textAt(entry, "version") : undefined;
    if (!isYamlMap(entry) || version === undefined || !/^[a-z_A-Z0-9]{1,100}$/.test(name)) gathering.malformed(name);
    else if (textAt(entry, "source") === "sdk") continue;
    else if (textAt(entry, "source") !== "hosted") gathering.unversioned(name);
    else {
      const dependency = textAt(entry, "dependency") ?? "";
      gathering.add({
        purl: formatPurl({ type: "pub", name: name.toLowerCase(), version }),
        name: name.toLowerCase(),
        version,
        direct: dependency.startsWith("direct"),
        ...(dependency === "direct dev" ? { development: true } : {}),
      });
    }
  }
  return gathering.extraction();
}
