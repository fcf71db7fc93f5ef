import { CodedError } from "@flotilla/base/errors";
import { DEFAULT_PAGE_SIZE } from "@flotilla/protocol/api/paging";

/** An opaque cursor that holds the sort key of the last item of a page. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** The key in a cursor of ours, undefined without one; throws `invalid-cursor` for anything else. `kinds` are the key's types in order. */
export function decodeCursor<const K extends readonly ("string" | "number")[]>(
  cursor: string | undefined,
  kinds: K,
): KeyOf<K> | undefined {
  if (cursor === undefined) return undefined;
  const key = parse(cursor);
  const fits =
    Array.isArray(key) && key.length === kinds.length && key.every((part, index) => typeof part === kinds[index]);
  if (!fits)
    throw new CodedError("invalid-cursor", "the cursor is not one that this list gave; start again without it");
  return key as unknown as KeyOf<K>;
}

type KeyOf<K extends readonly ("string" | "number")[]> = {
  readonly [I in keyof K]: K[I] extends "string" ? string : number;
};

/** How many items to show, and how many rows to ask for: one more tells whether there is a next page. */
export function pageSize(query: { readonly limit?: number }): number {
  return query.limit ?? DEFAULT_PAGE_SIZE;
}

/** The page of `rows`, of which `limit + 1` were asked for. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  map: { readonly item: (row: R) => T; readonly key: (row: R) => readonly (string | number)[] },
): { items: T[]; next?: string } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(map.item);
  return rows.length > limit && last !== undefined ? { items, next: encodeCursor(map.key(last)) } : { items };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}
