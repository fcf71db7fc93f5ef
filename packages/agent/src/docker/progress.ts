import { EngineError } from "../ports.ts";
import { objectOf, textOf } from "./json.ts";

const MAX_LINE_BYTES = 1024 * 1024;

/** Reads the JSON lines of `POST /images/load` or `/images/create` to their end; throws the first error that stands in them. */
export async function readProgress(answer: AsyncIterable<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  let failure: string | undefined;
  for await (const chunk of answer) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_BYTES) throw new EngineError(0, "the engine's progress has a line of over 1 MiB");
    for (const line of lines) failure ??= errorIn(line);
  }
  failure ??= errorIn(rest);
  if (failure !== undefined) throw new EngineError(500, failure);
}

function errorIn(line: string): string | undefined {
  if (line.trim() === "") return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return `the engine's progress is no JSON: ${line.slice(0, 200)}`;
  }
  const { error, errorDetail } = objectOf(parsed);
  if (error === undefined && errorDetail === undefined) return undefined;
  return textOf(error) || textOf(objectOf(errorDetail)["message"]) || "the engine reported an error without a message";
}
