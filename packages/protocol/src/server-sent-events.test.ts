import assert from "node:assert/strict";
import { test } from "node:test";
import { readServerSentEvents, type ServerSentEvent } from "./server-sent-events.ts";

/** The messages of `text` when it arrives in pieces of `size` bytes. */
function read(text: string, size: number): Promise<ServerSentEvent[]> {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
      controller.close();
    },
  });
  return Array.fromAsync(readServerSentEvents(body));
}

const CASES: readonly { readonly text: string; readonly messages: readonly ServerSentEvent[] }[] = [
  { text: "data: a\n\n", messages: [{ id: undefined, event: "message", data: "a" }] },
  { text: "id: 1\nevent: e\ndata: a\ndata:b\n\n", messages: [{ id: "1", event: "e", data: "a\nb" }] },
  { text: ": comment\n\nretry: 5\n\nid: 3\n\n", messages: [] },
  {
    text: "data: æøå ✓\r\n\r\ndata\n\n",
    messages: ["æøå ✓", ""].map((data) => ({ id: undefined, event: "message", data })),
  },
  { text: "data: whole\n\ndata: cut off", messages: [{ id: undefined, event: "message", data: "whole" }] },
];

for (const { text, messages } of CASES)
  test(`reads ${JSON.stringify(text)} however it is cut`, async () => {
    for (const size of [1, 2, 3, 7, 1000]) assert.deepEqual(await read(text, size), messages);
  });

test("a message without an end is not kept without an end", async () => {
  await assert.rejects(read(`data: ${"x".repeat(5 * 1024 * 1024)}`, 64 * 1024), RangeError);
});
