import { CLOSE_CODES, DeviceMessage, type ServerMessage } from "@flotilla/protocol/device";
import { Compile } from "typebox/compile";
import type { RawData, WebSocket } from "ws";

const validator = Compile(DeviceMessage);

/** Bytes that may wait in a connection's send buffer; a device that does not read is cut off. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

/** Why a connection ends, as the device is told. */
export interface Refused {
  readonly code: string;
  readonly message: string;
  readonly close: keyof typeof CLOSE_CODES;
  readonly retryAfterMs?: number;
}

/** The message in a frame; undefined when it is not one of the protocol. */
export function parseMessage(data: RawData, isBinary: boolean): DeviceMessage | undefined {
  if (isBinary) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch {
    return undefined; // answered by the caller with a refusal
  }
  return validator.Check(value) ? value : undefined;
}

/** Sends when the connection is open and the device reads. */
export function sendMessage(socket: WebSocket, message: ServerMessage): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
    socket.terminate();
    return;
  }
  socket.send(JSON.stringify(message));
}

/** Says why, and closes. */
export function refuse(socket: WebSocket, refused: Refused): void {
  const { code, message, close, retryAfterMs } = refused;
  sendMessage(socket, {
    type: "refusal",
    code,
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.round(retryAfterMs) }),
  });
  socket.close(CLOSE_CODES[close], code);
}
