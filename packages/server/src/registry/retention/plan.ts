import type { RetentionPolicy, RetentionRule } from "@flotilla/protocol/api/registry-upkeep";
import { fits } from "./pattern.ts";

const DAY_MS = 86_400_000;
/** A manifest without a tag may be part of a push under way. */
const MIN_UNTAGGED_MS = DAY_MS;

/** A repository as it is. Times are in milliseconds since the epoch. */
export interface RepositoryState {
  readonly tags: readonly { readonly tag: string; readonly digest: string; readonly updatedAt: number }[];
  readonly manifests: readonly {
    readonly digest: string;
    readonly subject: string | null;
    readonly createdAt: number;
  }[];
  /** Which manifests an index names. */
  readonly names: readonly { readonly manifest: string; readonly content: string }[];
  /** Manifests that a release needs. */
  readonly needed: ReadonlySet<string>;
  /** Tags that are a release's. */
  readonly isReleaseTag: (tag: string) => boolean;
}

export interface RetentionPlan {
  readonly tags: readonly { readonly tag: string; readonly digest: string }[];
  readonly manifests: readonly string[];
}

/** The rule for a repository by its name in the project, or undefined: everything stays. */
export function ruleFor({ rules }: RetentionPolicy, name: string): RetentionRule | undefined {
  return rules.find((rule) => fits(rule.repositories, name));
}

/** What of a repository goes by a rule: tags that nothing keeps, and then the manifests that nothing leads to any more. */
export function planRetention(state: RepositoryState, rule: RetentionRule, nowMs: number): RetentionPlan {
  const kept = keptTags(state, rule, nowMs);
  const tags = state.tags.filter(({ tag }) => !kept.has(tag)).map(({ tag, digest }) => ({ tag, digest }));
  const stays = reachable(state, rootsOf(state, { rule, kept, nowMs }));
  const manifests = state.manifests.map(({ digest }) => digest).filter((digest) => !stays.has(digest));
  return { tags, manifests };
}

function keptTags({ tags, isReleaseTag }: RepositoryState, rule: RetentionRule, nowMs: number): ReadonlySet<string> {
  const newest = tags.toSorted((a, b) => b.updatedAt - a.updatedAt || (a.tag < b.tag ? -1 : 1));
  const last = new Set(newest.slice(0, rule.keepLast ?? 0).map(({ tag }) => tag));
  const youngMs = (rule.keepYoungerThanDays ?? 0) * DAY_MS;
  const { keepLast, keepTags, keepYoungerThanDays } = rule;
  const keepsAll = keepLast === undefined && keepTags === undefined && keepYoungerThanDays === undefined;
  const keeps = ({ tag, updatedAt }: RepositoryState["tags"][number]) =>
    keepsAll ||
    isReleaseTag(tag) ||
    last.has(tag) ||
    nowMs - updatedAt < youngMs ||
    keepTags?.some((pattern) => fits(pattern, tag)) === true;
  return new Set(tags.filter(keeps).map(({ tag }) => tag));
}

interface Keeping {
  readonly rule: RetentionRule;
  readonly kept: ReadonlySet<string>;
  readonly nowMs: number;
}

/** What stays by itself: tagged, needed by a release, or never tagged (and not to go for its age). */
function rootsOf(state: RepositoryState, { rule, kept, nowMs }: Keeping): readonly string[] {
  const tagged = state.tags.filter(({ tag }) => kept.has(tag)).map(({ digest }) => digest);
  const removed = state.tags.filter(({ tag }) => !kept.has(tag)).map(({ digest }) => digest);
  const leaves = reachable(state, removed);
  const untaggedMs = Math.max(MIN_UNTAGGED_MS, (rule.untaggedAfterDays ?? Number.POSITIVE_INFINITY) * DAY_MS);
  const present = new Set(state.manifests.map(({ digest }) => digest));
  const part = new Set(state.names.map(({ content }) => content));
  const stays = ({ digest, subject, createdAt }: RepositoryState["manifests"][number]) => {
    if (state.needed.has(digest)) return true;
    if (nowMs - createdAt < MIN_UNTAGGED_MS) return !removed.includes(digest);
    // What an index or a subject that is here leads to stays or goes with it.
    const led = part.has(digest) || (subject !== null && present.has(subject));
    return !leaves.has(digest) && !led && nowMs - createdAt < untaggedMs;
  };
  return [...tagged, ...state.manifests.filter(stays).map(({ digest }) => digest)];
}

/** The manifests that `roots` lead to: what an index names, and what refers to it. */
function reachable({ names, manifests }: RepositoryState, roots: readonly string[]): ReadonlySet<string> {
  const edges = new Map<string, string[]>();
  const add = (from: string, to: string) => edges.set(from, [...(edges.get(from) ?? []), to]);
  for (const { manifest, content } of names) add(manifest, content);
  for (const { digest, subject } of manifests) if (subject !== null) add(subject, digest);
  const seen = new Set<string>();
  const open = [...roots];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (seen.has(digest)) continue;
    seen.add(digest);
    open.push(...(edges.get(digest) ?? []));
  }
  return seen;
}
