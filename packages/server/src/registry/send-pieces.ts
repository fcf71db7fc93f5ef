import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";

/**
 * Sends a body of `sizeBytes` past the framework, piece by piece: the next one is asked for when the one before has left, so that pieces may share their memory.
 * When the body is not whole the connection is cut: the client must see that it is not.
 */
export async function sendPieces(
  reply: FastifyReply,
  pieces: AsyncGenerator<Uint8Array>,
  sizeBytes: number,
): Promise<FastifyReply> {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>);
  let sent = 0;
  try {
    for await (const piece of pieces) {
      if (!(await write(raw, piece))) return reply;
      sent += piece.length;
    }
  } finally {
    if (sent === sizeBytes) raw.end();
    else raw.destroy();
  }
  return reply;
}

/** Resolves when the bytes have left (true) or the client has (false). */
function write(raw: ServerResponse, piece: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    if (raw.destroyed) {
      resolve(false);
      return;
    }
    const onClose = () => resolve(false);
    raw.once("close", onClose);
    raw.write(piece, (error) => {
      raw.off("close", onClose);
      resolve(error === undefined || error === null);
    });
  });
}
