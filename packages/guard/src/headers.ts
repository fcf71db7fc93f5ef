/** Fields of one block of `Name: value` lines (RFC 822 as dpkg and Python metadata use it), names in lower case, first value wins. */
export type HeaderFields = ReadonlyMap<string, string>;

/** The fields of the lines of `block`; continuation lines (leading white space) are left out: no field we read has any. */
export function parseHeaders(block: string, maxLines = 10_000): HeaderFields {
  const fields = new Map<string, string>();
  let at = 0;
  for (let lines = 0; at < block.length && lines < maxLines; lines++) {
    const end = endOfLine(block, at);
    const colon = block.indexOf(":", at);
    if (colon > at && colon < end && !isSpace(block.charCodeAt(at))) {
      const name = block.slice(at, colon).toLowerCase();
      if (!fields.has(name)) fields.set(name, block.slice(colon + 1, end).trim());
    }
    at = end + 1;
  }
  return fields;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
