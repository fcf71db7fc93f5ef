import { EnrolRequest, EnrolResponse } from "@flotilla/protocol/device";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { enrolDevice } from "./enrol.ts";

/** Enrolments that one address may try in a minute: a factory line is slower, and guessing a token takes for ever. */
const ENROLMENTS_PER_MINUTE = 120;

/** The one route that a device calls before it is one. */
export function registerEnrolment(app: App, context: Context, targetKey: string): void {
  const max = Math.max(ENROLMENTS_PER_MINUTE, context.config.requestsPerMinute / 100);
  app.post(
    "/api/v1/device/enrol",
    {
      config: { access: "public", rateLimit: { max, timeWindow: 60_000 } },
      bodyLimit: 64 * 1024,
      schema: {
        tags: ["devices"],
        security: [],
        operationId: "enrolDevice",
        summary: "Enrol a device with its own key and a provisioning token",
        body: EnrolRequest,
        response: { 200: EnrolResponse, ...problemResponses(400, 401, 403, 409, 429) },
      },
    },
    async ({ body }) => {
      const { id, project, name } = await enrolDevice(context, body);
      return { device: id, project, name, targetKey };
    },
  );
}
