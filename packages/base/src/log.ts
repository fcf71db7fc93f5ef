export type LogLevel = "debug" | "info" | "warn" | "error";

type LogWrite = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/**
 * Structured log, handed around as a parameter: static message, fields apart, never a secret. `error` is our bug, `warn` something an
 * operator should look at, `info` a change of state, `debug` the rest. pino satisfies it.
 */
export interface Log {
  readonly debug: LogWrite;
  readonly info: LogWrite;
  readonly warn: LogWrite;
  readonly error: LogWrite;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** A log that hands each line at or above `level` to `write` as one JSON object. */
export function createJsonLog(write: (line: string) => void, now: () => number, level: LogLevel = "info"): Log {
  const least = LEVELS.indexOf(level);
  const at = (name: LogLevel): LogWrite =>
    LEVELS.indexOf(name) < least
      ? () => {}
      : (fields, message) =>
          write(JSON.stringify({ time: new Date(now()).toISOString(), level: name, message, ...plain(fields) }));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that keeps nothing. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A log that adds `fields` to every line of `log`. */
export function withFields(log: Log, fields: Readonly<Record<string, unknown>>): Log {
  const add =
    (write: LogWrite): LogWrite =>
    (more, message) =>
      write({ ...fields, ...more }, message);
  return { debug: add(log.debug), info: add(log.info), warn: add(log.warn), error: add(log.error) };
}

function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) result[key] = value instanceof Error ? describe(value) : value;
  return result;
}

function describe(error: Error): Record<string, unknown> {
  return { name: error.name, message: error.message, stack: error.stack };
}
