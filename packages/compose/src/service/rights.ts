import { quote, readItems, readTemplate, readText } from "../read.ts";
import type { Scope } from "../scope.ts";
import { escapeDollars } from "../template.ts";
import type { Node } from "../tree.ts";

/** `type major:minor access` (cgroup v1, devices.allow), as the engine takes it. */
const CGROUP_RULE = /^[acb] (?:[0-9]+|\*):(?:[0-9]+|\*) [rwm]{1,3}$/;
const MAX_PROFILE = 32 * 1024;
const PULL_POLICY = /^(?:always|never|missing|if_not_present|refresh|daily|weekly|every_(?:\d+[wdhms])+)$/;

/** `device_cgroup_rules:`. */
export function readCgroupRules(node: Node, { problems }: Scope): readonly string[] {
  return readItems(problems, node).flatMap((item) => {
    const text = readText(problems, item);
    if (text === undefined || CGROUP_RULE.test(text)) return text === undefined ? [] : [text];
    problems.add(item.place, "bad-value", `expected a rule such as "c 1:3 rmw", found ${quote(text)}`);
    return [];
  });
}

/** `security_opt:`. A seccomp profile is a file of this machine, so that its content goes with the release. */
export function readSecurityOptions(node: Node, scope: Scope): readonly string[] {
  return readItems(scope.problems, node).flatMap((item) => {
    const text = readTemplate(scope.problems, item);
    if (text === undefined) return [];
    const path = profilePath(text);
    const option = path === undefined ? text : readProfile(path, item, scope);
    return option === undefined ? [] : [option];
  });
}

/** The file that a security option names, or undefined. */
export function profilePath(option: string): string | undefined {
  const path = /^seccomp[=:](.+)$/s.exec(option)?.[1];
  return path === "unconfined" || path === "builtin" || path?.startsWith("{") === true ? undefined : path;
}

function readProfile(path: string, { place }: Node, { files, problems }: Scope): string | undefined {
  const bytes = files.get(path);
  if (bytes === undefined) {
    problems.add(place, "missing-file", `the file ${path} cannot be read`);
    return undefined;
  }
  const profile = parseProfile(bytes);
  if (profile === undefined) problems.add(place, "bad-value", `${path} is no seccomp profile: expected JSON`);
  else if (profile.length > MAX_PROFILE)
    problems.add(place, "too-large", `${path} has ${profile.length} characters, the bound is ${MAX_PROFILE}`);
  return profile === undefined ? undefined : `seccomp=${escapeDollars(profile)}`;
}

function parseProfile(bytes: Uint8Array): string | undefined {
  try {
    return JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

/** `pull_policy:` asks for nothing here: a release pins images by digest, and the agent fetches what is missing. */
export function readPullPolicy(node: Node, { problems }: Scope): void {
  const text = readText(problems, node);
  if (text === undefined || PULL_POLICY.test(text)) return;
  if (text === "build") {
    const why = "a release names finished images: build and push the image first";
    problems.add(node.place, "unsupported-field", `pull_policy build is not supported: ${why}`);
  } else
    problems.add(
      node.place,
      "bad-value",
      `expected always, never, missing, daily, weekly or every_12h; found ${quote(text)}`,
    );
}
