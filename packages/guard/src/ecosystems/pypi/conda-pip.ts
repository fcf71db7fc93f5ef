import { isYamlMap, parseBlockYaml } from "../block-yaml.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";
import { requirementName } from "./graph.ts";
import { isDistributionName, normaliseName, pypiPurl } from "./purl.ts";

const MAX_ENVIRONMENT_BYTES = 4 * 1024 * 1024;

/** What conda's `environment.yml` has pip install; conda's own packages are counted, for no advisories speak of them. */
export const condaPipExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "pypi-conda-pip",
  maxBytes: MAX_ENVIRONMENT_BYTES,
  wants: isEnvironment,
  read: readEnvironment,
};

/** `environment.yml`, `environment-dev.yaml`. */
export function isEnvironment(path: string): boolean {
  return (path.endsWith(".yml") || path.endsWith(".yaml")) && /(?:^|\/)environment[\w.-]{0,100}\.ya?ml$/.test(path);
}

function readEnvironment(file: WholeFile): Extraction {
  const gathering = createGathering();
  const { documents, problems } = parseBlockYaml(file.bytes);
  for (const problem of problems) gathering.problem(problem);
  const dependencies = documents[0]?.["dependencies"];
  const own = (Array.isArray(dependencies) ? dependencies : []).filter((item) => typeof item === "string").length;
  if (own > 0) gathering.problem(`not-covered: ${own} packages of conda itself`);
  for (const item of Array.isArray(dependencies) ? dependencies : []) {
    const pip = isYamlMap(item) ? item["pip"] : undefined;
    for (const requirement of Array.isArray(pip) ? pip : []) {
      if (typeof requirement !== "string" || requirement.startsWith("-")) continue;
      const rawName = requirementName(requirement);
      const pin = /^[^=<>!~;]{1,300}={2,3}\s*([A-Za-z0-9.!+_-]{1,100})\s*(?:;.*)?$/.exec(requirement)?.[1];
      if (!isDistributionName(rawName)) gathering.malformed(requirement);
      else if (pin === undefined) gathering.problem(`no-version: ${rawName} has no exact version`);
      else {
        const name = normaliseName(rawName);
        gathering.add({ purl: pypiPurl(name, pin), name, version: pin, direct: true });
      }
    }
  }
  return gathering.extraction();
}
