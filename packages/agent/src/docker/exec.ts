import type { Clock } from "@flotilla/base/clock";
import { EngineError, type ExecOptions } from "../ports.ts";
import { given } from "./container-body.ts";
import type { EngineHttp } from "./http.ts";
import { numberOf, objectOf, textOf } from "./json.ts";

/** Longest run of a command, whatever the caller's signal. */
const EXEC_DEADLINE_MS = 10 * 60_000;
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 1000;

/**
 * Runs a command in a running container and gives its exit code. Started detached and looked after, since an attached stream ends only
 * when the last child lets go of it. The engine cannot end a command: past the deadline it runs on, and this call throws.
 */
export async function execIn(
  http: EngineHttp,
  clock: Clock,
  of: ExecOptions & { readonly id: string; readonly command: readonly string[] },
  signal?: AbortSignal,
): Promise<number> {
  const path = `/containers/${encodeURIComponent(of.id)}/exec`;
  const json = execBody(of.command, of);
  const exec = textOf(objectOf(await http.json({ method: "POST", path, json, signal }))["Id"]);
  await http.call({ method: "POST", path: `/exec/${exec}/start`, json: { Detach: true, Tty: false }, signal });
  const startedMs = clock.monotonic();
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 1.5, LAST_LOOK_MS)) {
    const state = objectOf(await http.json({ method: "GET", path: `/exec/${exec}/json`, signal }));
    if (state["Running"] === false && typeof state["ExitCode"] === "number") return numberOf(state["ExitCode"]);
    if (clock.monotonic() - startedMs > EXEC_DEADLINE_MS)
      throw new EngineError(0, `a command in ${of.id.slice(0, 12)} did not end within ${EXEC_DEADLINE_MS / 1000} s`);
    await clock.sleep(waitMs, signal);
  }
}

/** `POST /containers/{id}/exec`. */
export function execBody(command: readonly string[], options: ExecOptions): Readonly<Record<string, unknown>> {
  const { user, workingDir, privileged, environment } = options;
  return {
    Cmd: command,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...given("User", user),
    ...given("WorkingDir", workingDir),
    ...given("Privileged", privileged),
    ...given("Env", environment && Object.entries(environment).map(([name, value]) => `${name}=${value}`)),
  };
}
