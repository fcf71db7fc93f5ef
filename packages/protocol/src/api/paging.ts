import { type TSchema, Type } from "typebox";

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 500;

/** Query members of every list. */
export const PageQueryMembers = {
  cursor: Type.Optional(Type.String({ maxLength: 600, description: "`next` of the page before" })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE, description: "Items on a page" })),
};

export const PageQuery = Type.Object(PageQueryMembers);

/** One page of a list; without `next` it is the last. */
export function Page<T extends TSchema>(item: T) {
  return Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String({ maxLength: 600 })) });
}
