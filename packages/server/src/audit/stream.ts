import { once } from "node:events";
import { deadlineSignal } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import type { StoredEvent } from "./events.ts";

const MAX_STREAMS = 2000;
/** A comment this often keeps proxies from closing the connection, and the right to listen is looked at again. */
const HEARTBEAT_MS = 15_000;
/** Events read at a time: what a stream holds in memory at most, beside the socket's own buffer. */
const BATCH = 100;
/** A listener that takes nothing for so long is cut off; it resumes where it was. */
const STALL_MS = 60_000;

/** What a listener wants to hear. */
export interface StreamQuery {
  readonly project: string;
  readonly after: number | undefined;
  readonly subject: string | undefined;
}

export interface EventStreams {
  /** Answers with an event stream and resolves when it has ended. */
  run(request: FastifyRequest, reply: FastifyReply, query: StreamQuery): Promise<void>;
  /** How many are open. */
  open(): number;
  /** Ends all of them: the server stops. */
  end(): void;
}

/** Server-sent events read from the log: level-triggered, so that what a listener missed is only a matter of where it stands. */
export function createEventStreams(context: Context): EventStreams {
  const stop = new AbortController();
  let open = 0;
  return {
    async run(request, reply, query) {
      if (open >= MAX_STREAMS) throw new CodedError("unavailable", "too many event streams are open; try again later");
      const start = await startOf(context, request, query);
      open++;
      const gone = new AbortController();
      reply.raw.on("close", () => gone.abort());
      const signal = AbortSignal.any([stop.signal, gone.signal]);
      try {
        begin(reply);
        await follow(context, { request, reply, query, signal }, start);
      } catch (error) {
        // The answer has begun: all that is left is to end it. The listener resumes by its last id.
        context.log.error({ error }, "event stream failed");
      } finally {
        open--;
        reply.raw.end();
      }
    },
    open: () => open,
    end: () => stop.abort(),
  };
}

interface Stream {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly query: StreamQuery;
  readonly signal: AbortSignal;
}

async function startOf({ events }: Context, request: FastifyRequest, query: StreamQuery): Promise<number> {
  const header = request.headers["last-event-id"];
  if (typeof header !== "string" || header === "") return query.after ?? (await events.lastSeq());
  if (!/^\d{1,15}$/.test(header)) throw new CodedError("invalid-request", "Last-Event-ID is not a sequence number");
  return Number(header);
}

function begin(reply: FastifyReply): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.setHeader("content-type", "text/event-stream; charset=utf-8");
  reply.raw.setHeader("cache-control", "no-store");
  reply.raw.setHeader("x-accel-buffering", "no");
  reply.raw.writeHead(200);
  reply.raw.write("retry: 2000\n\n");
}

async function follow(context: Context, stream: Stream, start: number): Promise<void> {
  const wake = createWaker(context);
  let seq = start;
  try {
    while (!stream.signal.aborted) {
      const news = wake.armed();
      const { project, subject } = stream.query;
      const events = await context.events.after(seq, {
        project,
        limit: BATCH,
        ...(subject === undefined ? {} : { subject }),
      });
      if (events.length > 0) {
        if (!(await write(stream, events.map(formatMessage).join("")))) return;
        seq = events.at(-1)?.seq ?? seq;
      }
      if (events.length === BATCH) continue;
      if ((await wake.wait(news, stream.signal)) === "quiet" && !(await heartbeat(context, stream))) return;
    }
  } finally {
    wake.close();
  }
}

/** Whether the listener may go on; it is told by the end of the stream when it may not. */
async function heartbeat({ access }: Context, stream: Stream): Promise<boolean> {
  try {
    await access.require(await access.authenticate(stream.request), "project:read", stream.query.project);
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
  return write(stream, ": still here\n\n");
}

async function write({ reply, signal }: Stream, text: string): Promise<boolean> {
  if (reply.raw.write(text)) return true;
  try {
    await once(reply.raw, "drain", { signal: deadlineSignal(STALL_MS, signal) });
    return true;
  } catch {
    // Gone or stalled: the stream ends, and the listener resumes by its last id.
    reply.raw.destroy();
    return false;
  }
}

function formatMessage(event: StoredEvent): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Waits for news without losing one that comes between reading the log and waiting. */
function createWaker({ bus, clock }: Context) {
  let notify = () => {};
  const unsubscribe = bus.subscribe("events", () => notify());
  return {
    /** A promise of the next news from now on. */
    armed: (): Promise<"news"> => new Promise((resolve) => (notify = () => resolve("news"))),
    async wait(news: Promise<"news">, signal: AbortSignal): Promise<"news" | "quiet" | "ended"> {
      const settled = new AbortController();
      const quiet = clock.sleep(HEARTBEAT_MS, AbortSignal.any([signal, settled.signal])).then(
        () => "quiet" as const,
        () => "ended" as const,
      );
      try {
        return await Promise.race([news, quiet]);
      } finally {
        settled.abort();
      }
    },
    close: unsubscribe,
  };
}
