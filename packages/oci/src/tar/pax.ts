import { CodedError } from "@flotilla/base/errors";

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/** The records of a pax header (POSIX pax, "pax Extended Header"): `<length> <key>=<value>\n`, the length counting itself. */
export function parsePax(body: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const space = body.indexOf(SPACE, at);
    const length = space < 0 || space - at > 8 ? Number.NaN : Number(body.toString("latin1", at, space));
    const end = at + length;
    if (!(length > 3) || end > body.length || body[end - 1] !== NEWLINE) throw damaged();
    const equals = body.indexOf(EQUALS, space + 1);
    if (equals < 0 || equals >= end) throw damaged();
    const key = body.toString("utf8", space + 1, equals);
    // An empty value takes an earlier one back, so that the header's own field counts.
    if (end - 1 === equals + 1) records.delete(key);
    else if (!key.startsWith("SCHILY.xattr.")) records.set(key, body.toString("utf8", equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** The pax header body for `records`. */
export function formatPax(records: ReadonlyMap<string, string>): Buffer {
  return Buffer.concat([...records].map(([key, value]) => formatRecord(key, value)));
}

function formatRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function damaged(): CodedError {
  return new CodedError("tar-damaged", "tar: damaged pax header");
}
