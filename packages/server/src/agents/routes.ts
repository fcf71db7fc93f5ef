import { CodedError } from "@flotilla/base/errors";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { openExecutables } from "./executables.ts";
import { installScript } from "./install-script.ts";
import { parseRange } from "./range.ts";

const FOLDER = new URL("../../../../dist/agent/", import.meta.url).pathname;
const Binary = Type.Unsafe<unknown>(Type.Any());

/** `/install.sh` and the agent's executables, for machines that are not devices yet. `folder`: where `npm run agent:build` put them. */
export function registerAgents(app: App, context: Context, folder = FOLDER): void {
  const executables = openExecutables(folder);
  const common = { tags: ["agents"], security: [] };
  app.get(
    "/install.sh",
    {
      config: { access: "public" },
      schema: {
        ...common,
        operationId: "getInstallScript",
        summary: "Shell script that installs and enrols the agent",
        response: { 200: Type.String() },
      },
    },
    async (_request, reply) => {
      const { publicUrl, version } = context.config;
      const checksums = await executables.checksums();
      return reply
        .type("text/x-shellscript; charset=utf-8")
        .send(await installScript({ server: publicUrl, version, checksums }));
    },
  );
  app.get(
    "/agents/:file",
    {
      config: { access: "public" },
      schema: {
        ...common,
        operationId: "getAgent",
        summary: "An executable of the agent, the same with .gz, its container image with .image.tar.gz, or SHA256SUMS",
        params: Type.Object({ file: Type.String({ maxLength: 100 }) }),
        response: { 200: Binary, 206: Binary, 304: Binary },
      },
    },
    async (request, reply) => {
      const file = await executables.find(request.params.file);
      reply.header("etag", file.entityTag).header("accept-ranges", "bytes").header("cache-control", "no-cache");
      if (request.headers["if-none-match"] === file.entityTag) return reply.code(304).send();
      const condition = request.headers["if-range"];
      const header = condition === undefined || condition === file.entityTag ? request.headers.range : undefined;
      const range = parseRange(header, file.sizeBytes);
      if (range.kind === "unsatisfiable")
        throw new CodedError("range-not-satisfiable", `${request.params.file} has ${file.sizeBytes} bytes`);
      const { start, end } = range.kind === "all" ? { start: 0, end: file.sizeBytes - 1 } : range;
      if (range.kind === "part") reply.code(206).header("content-range", `bytes ${start}-${end}/${file.sizeBytes}`);
      return reply
        .type(file.mediaType)
        .header("content-length", end - start + 1)

        .send(file.read(start, end));
    },
  );
}
