import { formatBytes } from "@flotilla/base/units";
import {
  type FindingChange,
  type PackageChange,
  type PlatformChange,
  ReleaseDiff,
} from "@flotilla/protocol/api/release-diff";
import { note, print, printJson, printTable, tint } from "../output.ts";
import type { Invocation } from "../session.ts";
import { releasePath } from "./paths.ts";

/** `release diff APP FROM TO`. */
export async function diffReleases(run: Invocation, app: string, from: string, to: string): Promise<void> {
  const session = run.session();
  const path = `${releasePath(session, app, to)}/diff`;
  const diff = await session.client.get(path, ReleaseDiff, { query: { from } });
  if (run.json) return printJson(diff);
  print(`${app} ${diff.from.tag} → ${diff.to.tag}`);
  if (isEmpty(diff)) print("the same: nothing changes");
  printSection("COMPOSE", composeLines(diff));
  printSection("IMAGES", imageLines(diff));
  print();
  printTable(
    ["PLATFORM", "DOWNLOAD", "OF", "LAYERS +", "LAYERS -", "KEPT"],
    diff.platforms.map(platformRow),
    "no platforms",
  );
  printSection("PACKAGES", diff.packages.map(packageLine), diff.omitted.packages);
  printSection("FINDINGS", diff.findings.map(findingLine), diff.omitted.findings);
  for (const sentence of diff.notCompared) note(`${tint("warn", "not compared")}: ${sentence}`);
}

function isEmpty({ compose, images, packages, findings, notCompared }: ReleaseDiff): boolean {
  return [compose, images, packages, findings, notCompared].every((list) => list.length === 0);
}

function printSection(title: string, lines: readonly string[], omitted = 0): void {
  if (lines.length === 0) return;
  print();
  print(tint("strong", title));
  for (const line of lines) print(`  ${line}`);
  if (omitted > 0) print(`  … and ${omitted} more`);
}

function composeLines({ compose }: ReleaseDiff): readonly string[] {
  return compose.flatMap(({ section, name, change, fields }) => {
    const what = `${section.replace(/s$/, "")} ${name}`;
    if (change !== "changed") return [`${sign(change)} ${what}`];
    return fields.map(({ field, change: how, from, to }) => {
      const values = [from, to].filter((value) => value !== undefined).join(" → ");
      return `${sign(how)} ${what}: ${field} ${values}`;
    });
  });
}

function imageLines({ images }: ReleaseDiff): readonly string[] {
  return images.map(({ change, from, to }) => {
    if (from === undefined || to === undefined) return `${sign(change)} ${(to ?? from)?.reference ?? ""}`;
    const name =
      from.reference === to.reference ? `${to.reference} (other content)` : `${from.reference} → ${to.reference}`;
    return `${sign(change)} ${name}`;
  });
}

function platformRow({ platform, download, total, layers, keptLayers }: PlatformChange) {
  const added = layers.filter(({ change }) => change === "added").length;
  return [
    platform,
    formatBytes(download.sizeBytes),
    formatBytes(total.sizeBytes),
    added,
    layers.length - added,
    keptLayers,
  ];
}

function packageLine({ change, name, ecosystem, from, to, image }: PackageChange): string {
  const versions = [from, to].filter((version) => version !== undefined).join(" → ");
  const mark = change === "added" || change === "removed" ? sign(change) : sign("changed");
  return `${mark} ${name} ${versions}${change === "downgraded" ? " (downgraded)" : ""}  ${ecosystem}, ${image}`;
}

function findingLine({ change, id, kind, severity, purl, path, image, fixed }: FindingChange): string {
  const mark = change === "new" ? tint("bad", "new  ") : tint("good", "fixed");
  const where = purl ?? path;
  const way = change === "new" && fixed !== undefined ? `, passes with ${fixed}` : "";
  return `${mark} ${id} (${kind}, ${severity}) in ${where}  ${image}${way}`;
}

function sign(change: "added" | "removed" | "changed"): string {
  if (change === "added") return tint("good", "+");
  return change === "removed" ? tint("bad", "-") : tint("warn", "~");
}
