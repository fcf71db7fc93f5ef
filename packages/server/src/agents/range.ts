/** What part of a body was asked for: all of it, a part (both ends inclusive), or one that is not there. */
export type ByteRange =
  | { readonly kind: "all" }
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable" };

/** One range of a `Range` header (RFC 9110 §14.2). Several ranges, other units and nonsense mean all, as the RFC allows. */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return { kind: "all" };
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? { kind: "unsatisfiable" } : { kind: "part", start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== "" && Number(last) < start) return { kind: "all" };
  return start >= sizeBytes ? { kind: "unsatisfiable" } : { kind: "part", start, end };
}
