import { asDigest } from "@flotilla/base/digest";
import { ExportRequest, ImportRequest, ReleaseKey, SignedExport } from "@flotilla/protocol/api/release-transfer";
import { AppParams, ReleaseDetail, ReleaseParams } from "@flotilla/protocol/api/releases";
import { ProjectPath } from "@flotilla/protocol/api/users";
import type { App } from "../../http/app.ts";
import { problemResponses } from "../../http/openapi.ts";
import type { ReleasePorts } from "../admit.ts";
import { detailOf, requireRelease } from "../rows.ts";
import { describeExport } from "./export.ts";
import { importRelease } from "./import.ts";
import { openReleaseSigningKey, type ReleaseSigningKey } from "./signing-key.ts";

const tags = ["releases"];

/** Releases that leave as signed files and come in from other servers. */
export function registerTransfer(app: App, ports: ReleasePorts): void {
  const key = openReleaseSigningKey(ports.context.config.dataDir);
  registerExport(app, ports, key);
  registerImport(app, ports);
}

function registerExport(app: App, ports: ReleasePorts, key: ReleaseSigningKey): void {
  app.get(
    "/api/v1/projects/:project/release-key",
    {
      config: { access: { permission: "release:read" } },
      schema: {
        tags,
        operationId: "getReleaseKey",
        summary: "The key that exported releases of this server are signed with",
        params: ProjectPath,
        response: { 200: ReleaseKey, ...problemResponses(401, 403, 404) },
      },
    },
    async () => key.publicKey,
  );
  app.post(
    "/api/v1/projects/:project/apps/:app/releases/:release/export",
    {
      config: { access: { permission: "release:read" } },
      schema: {
        tags,
        operationId: "exportRelease",
        summary: "Everything that a release is made of, signed",
        description:
          "The bytes themselves come from the registry. `platform-missing` when an image has none of the platforms.",
        params: ReleaseParams,
        body: ExportRequest,
        response: { 200: SignedExport, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { project, app: name, release } = request.params;
      const row = await requireRelease(ports.context, project, name, release);
      const envelope = key.sign(await describeExport(ports, row, request.body.platforms));
      return { envelope, key: key.publicKey };
    },
  );
}

function registerImport(app: App, ports: ReleasePorts): void {
  app.post(
    "/api/v1/projects/:project/apps/:app/release-imports",
    {
      config: { access: { permission: "release:create" } },
      schema: {
        tags,
        operationId: "importRelease",
        summary: "Make a release of an artifact that another server made",
        description:
          "The artifact and its images are pushed to the registry before. 201 with the release, 200 when it is there already. This server's gate decides: `release-blocked` (422) carries `reasons`.",
        params: AppParams,
        body: ImportRequest,
        response: { 200: ReleaseDetail, 201: ReleaseDetail, ...problemResponses(400, 401, 403, 404, 413, 422, 503) },
      },
    },
    async (request, reply) => {
      const { project, app: name } = request.params;
      const principal = await ports.context.access.require(request.principal, "release:create", project);
      const actor = ports.context.access.actorOf(principal);
      const release = asDigest(request.body.release);
      const result = await importRelease(ports, { project, app: name, release, actor });
      reply.serializer(JSON.stringify);
      return reply.status(result.kind === "created" ? 201 : 200).send(detailOf(result.row));
    },
  );
}
