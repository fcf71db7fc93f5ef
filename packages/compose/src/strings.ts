/** Maps every text value of plain data; keys stay. */
export function mapStrings<T>(value: T, map: (text: string, path: string) => string, path = ""): T {
  if (typeof value === "string") return map(value, path) as T;
  if (Array.isArray(value)) return value.map((item, index) => mapStrings(item, map, `${path}[${index}]`)) as T;
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).map(([key, member]) => [
    key,
    mapStrings(member, map, path === "" ? key : `${path}.${key}`),
  ]);
  return Object.fromEntries(members) as T;
}
