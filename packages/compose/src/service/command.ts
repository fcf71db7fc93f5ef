import { readTemplate, readTemplates } from "../read.ts";
import type { Scope } from "../scope.ts";
import { shellWords } from "../shell-words.ts";
import type { Node } from "../tree.ts";

/** A list, one text that is split as a shell does, or nothing (the image's own). */
export function readCommand(node: Node, scope: Scope): readonly string[] | undefined {
  if (node.kind === "list") return readTemplates(scope.problems, node);
  if (node.kind === "scalar" && node.value === null) return undefined;
  const text = readTemplate(scope.problems, node);
  const words = text === undefined ? undefined : shellWords(text);
  if (text !== undefined && words === undefined) scope.problems.add(node.place, "bad-value", "a quote is not closed");
  return words;
}
