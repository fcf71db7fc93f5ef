import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import { appProblems } from "@flotilla/compose/validate";
import type { CreateReleaseRequest, Gate } from "@flotilla/protocol/api/releases";
import type { Actor } from "../audit/events.ts";
import { admitRelease, judgeRelease, type ReleasePorts } from "./admit.ts";
import { buildArtifact, checkFiles } from "./artifact.ts";
import type { RecordedRelease } from "./record.ts";
import { resolveImages } from "./resolve-images.ts";

export type CreateResult = RecordedRelease | { readonly kind: "preview"; readonly gate: Gate };

export interface NewRelease {
  readonly project: string;
  readonly app: string;
  readonly request: CreateReleaseRequest;
  readonly actor: Actor;
}

/**
 * Makes a release, or finds the one that was made of the same app and images before. Throws the codes of {@link resolveImages} and
 * {@link admitRelease}. With `dryRun` it only tells what the gate says.
 */
export async function createRelease(ports: ReleasePorts, input: NewRelease): Promise<CreateResult> {
  const { project, actor } = input;
  const { content } = ports;
  const app = checkedApp(input);
  await checkFiles(content, `${project}/${app.name}`, app);
  const { images, platforms } = input.request;
  const resolved = await resolveImages(content, { project, app, images, platforms });
  const artifact = buildArtifact(app, resolved);
  const admission = { project, actor, app, artifact, images: resolved.map(({ image }) => image) };
  const result = await judgeRelease(ports, admission);
  if (input.request.dryRun === true) return { kind: "preview", gate: result.gate };
  return admitRelease(ports, admission, result);
}

function checkedApp({ app, request }: NewRelease): NormalisedApp {
  // The schema held it to the normal form; digests in it fit the brand's pattern.
  const compose = request.compose as NormalisedApp;
  if (compose.name !== app)
    throw new CodedError("invalid-request", `the compose application is named ${compose.name}, not ${app}`);
  const problems = appProblems(compose);
  const [first] = problems;
  if (first !== undefined)
    throw new CodedError("invalid-request", `body/compose: ${first.field}: ${first.message}`, {
      details: {
        errors: problems.slice(0, 10).map(({ field, message }) => ({ path: `body/compose/${field}`, message })),
      },
    });
  return compose;
}
