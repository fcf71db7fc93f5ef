import { AuditVerification, Event, EventQuery } from "@flotilla/protocol/api/audit";
import { Page } from "@flotilla/protocol/api/paging";
import { ProjectPath } from "@flotilla/protocol/api/users";
import type { Static } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import type { StoredEvent } from "./events.ts";
import { createEventStreams } from "./stream.ts";
import { verifyChain } from "./verify.ts";

const tags = ["events"];

/** The event log: pages, live streams and the check of its chain. */
export function registerAudit(app: App, context: Context): void {
  const streams = createEventStreams(context);
  context.metrics.gauge("flotilla_event_streams", "Open event streams", () => streams.open());
  app.addHook("preClose", async () => streams.end());
  app.get(
    "/api/v1/projects/:project/events",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "listEvents",
        summary: "What happened in the project",
        description:
          "With `Accept: text/event-stream` a stream that goes on as things happen, each message's id its sequence number: `Last-Event-ID` resumes without a gap.",
        params: ProjectPath,
        querystring: EventQuery,
        response: { 200: Page(Event), ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      if (request.method !== "GET" || request.headers.accept?.includes("text/event-stream") !== true)
        return listEvents(context, project, request.query);
      const { after, subject } = request.query;
      await streams.run(request, reply, { project, after, subject });
      return reply;
    },
  );
  app.get(
    "/api/v1/audit/verify",
    {
      config: { access: { permission: "audit:read", scope: "server" }, rateLimit: { max: 10, timeWindow: 60_000 } },
      schema: {
        tags,
        operationId: "verifyAudit",
        summary: "Check the chain of hashes of the whole log",
        response: { 200: AuditVerification, ...problemResponses(401, 403, 429) },
      },
    },
    () => verifyChain(context.database.read.withTables(), context.clock),
  );
}

async function listEvents({ events }: Context, project: string, query: Static<typeof EventQuery>) {
  const limit = pageSize(query);
  const [seq] = decodeCursor(query.cursor, ["number"]) ?? [];
  const wanted = { project, limit: limit + 1, ...(query.subject === undefined ? {} : { subject: query.subject }) };
  const rows =
    query.order === "desc" ? await events.before(seq, wanted) : await events.after(seq ?? query.after ?? 0, wanted);
  return toPage(rows, limit, { item: describeEvent, key: (event) => [event.seq] });
}

/** The event as the API shows it. */
export function describeEvent(event: StoredEvent): Event {
  return {
    ...event,
    actor: { ...event.actor },
    ...(event.data === undefined ? {} : { data: { ...event.data } }),
  };
}
