/**
 * The number of the device protocol. One number, and its history here; a server serves every number it lists.
 *
 * 1 — 2026-11: challenge, hello, welcome, target, report, ack, token.
 */
export const PROTOCOL_VERSION = 1;

/** The oldest number that a server of this version still serves. */
export const OLDEST_PROTOCOL_VERSION = 1;
