import { systemClock } from "@flotilla/base/clock";
import { type CodedError, isCoded } from "@flotilla/base/errors";
import type { ComposeResult } from "@flotilla/compose/parse";
import type { ImportRequest } from "@flotilla/protocol/api/release-transfer";
import {
  type CreateReleaseRequest,
  type Gate,
  type GateReason,
  ReleaseDetail,
  ReleasePreview,
} from "@flotilla/protocol/api/releases";
import { Ended, EXIT } from "../exit-codes.ts";
import { note, print, printJson, startProgress, tint } from "../output.ts";
import type { Invocation, Session } from "../session.ts";
import { readComposeFiles } from "./compose-files.ts";
import { copyImages, ownRegistry, pushConfigFiles } from "./copy-images.ts";
import { printBlocked, printProblems, printRelease, printWarnings } from "./report.ts";

/** One request may wait for scans this long; scans of large images take several. */
const REQUEST_TIMEOUT_MS = 120_000;
const SCAN_RETRY_MS = 2000;
const MAX_SCAN_ATTEMPTS = 20;

export interface CreateOptions {
  readonly file: readonly string[];
  readonly app?: string;
  readonly envFile: readonly string[];
  readonly platform: readonly string[];
  readonly profile: readonly string[];
  readonly policy: "enforce" | "preview";
}

/** `release create`: reads the compose files, brings images and files into the registry, and asks the server for the release. */
export async function createRelease(run: Invocation, options: CreateOptions): Promise<void> {
  const compose = await readComposeFiles({
    files: options.file,
    envFiles: options.envFile,
    app: options.app,
    profiles: options.profile,
    variables: run.environment.variables,
  });
  const app = compose.app ?? refuseCompose(run, compose);
  if (!run.json) printProblems(compose.warnings, "warning");
  const session = run.session();
  const request = { ...(await upload(run, session, compose, app.name, options)), dryRun: options.policy === "preview" };
  const path = `/api/v1/projects/${encodeURIComponent(session.project)}/apps/${app.name}/releases`;
  try {
    if (request.dryRun) return showPreview(run, await postRelease(session, path, request, ReleasePreview));
    const release = await postRelease(session, path, request, ReleaseDetail);
    if (run.json) return printJson(release);
    printWarnings(release.gate);
    printRelease(release);
    note(`roll it out:  flotilla rollout create ${release.app} ${release.tag}`);
  } catch (error) {
    if (isCoded(error, "release-blocked")) showBlocked(run, gateOf(error));
    throw error;
  }
}

function refuseCompose(run: Invocation, { problems, warnings }: ComposeResult): never {
  if (run.json) printJson({ problems, warnings });
  else {
    printProblems(problems, "error");
    note(`${problems.length} problem${problems.length === 1 ? "" : "s"}: no release was made`);
  }
  throw new Ended(EXIT.usage);
}

async function upload(
  run: Invocation,
  session: Session,
  compose: ComposeResult,
  app: string,
  options: CreateOptions,
): Promise<CreateReleaseRequest> {
  const registry = ownRegistry(session);
  const progress = startProgress();
  await pushConfigFiles(registry, `${session.project}/${app}`, compose.files);
  const platforms = options.platform.length === 0 ? undefined : options.platform;
  const images = await copyImages(registry, compose.images, {
    session,
    dockerConfigFile: run.environment.dockerConfigFile,
    platforms,
    onProgress: (image, detail) => progress.update(`image ${image}`, detail),
  });
  progress.done();
  // The normal form of compose is what the schema of the request describes.
  const normalised = compose.app as unknown as CreateReleaseRequest["compose"];
  return {
    compose: normalised,
    images: [...images],
    ...(platforms === undefined ? {} : { platforms: [...platforms] }),
  };
}

/** Asks again while scans are under way. */
export async function postRelease<T extends typeof ReleaseDetail | typeof ReleasePreview>(
  session: Session,
  path: string,
  body: CreateReleaseRequest | ImportRequest,
  schema: T,
) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await session.client.post(path, body, schema, { timeoutMs: REQUEST_TIMEOUT_MS });
    } catch (error) {
      if (!isCoded(error, "scan-pending") || attempt >= MAX_SCAN_ATTEMPTS) throw error;
      note("the images are still being scanned …");
      await systemClock.sleep(SCAN_RETRY_MS);
    }
  }
}

function showPreview(run: Invocation, { gate }: ReleasePreview): void {
  if (gate.outcome === "block") showBlocked(run, gate);
  if (run.json) {
    printJson({ gate });
    return;
  }
  printWarnings(gate);
  print(tint("good", `the policy would let this become a release (${gate.outcome})`));
}

/** A gate that blocked, and the end of the command. */
export function showBlocked(run: Invocation, gate: Pick<Gate, "reasons" | "omitted">): never {
  if (run.json) printJson({ gate: { outcome: "block", ...gate } });
  else printBlocked(gate);
  throw new Ended(EXIT.blocked);
}

/** The reasons that a `release-blocked` problem carries. */
export function gateOf(error: CodedError): Pick<Gate, "reasons" | "omitted"> {
  const { reasons, omitted } = error.details;
  return {
    reasons: Array.isArray(reasons) ? (reasons as GateReason[]) : [],
    omitted: typeof omitted === "number" ? omitted : 0,
  };
}
