import { XMLParser } from "fast-xml-parser";
import { isObject, type JsonObject } from "../../json.ts";

const MAX_DEPTH = 64;

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: true,
  removeNSPrefix: true,
  maxNestedTags: MAX_DEPTH,
});

export type XmlResult =
  | { readonly kind: "element"; readonly value: JsonObject }
  | { readonly kind: "bad"; readonly reason: string };

/** The element `root` of an XML document: elements as members, text as text. A document with its own entities is refused. */
export function parseXml(bytes: Buffer, root: string): XmlResult {
  const text = bytes.toString("utf8");
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return { kind: "bad", reason: "unsupported: XML with a document type" };
  try {
    const document: unknown = parser.parse(text);
    const value = isObject(document) ? document[root] : undefined;
    if (isObject(value)) return { kind: "element", value };
    return { kind: "bad", reason: `malformed: XML without an element "${root}"` };
  } catch {
    return { kind: "bad", reason: "malformed: not XML" };
  }
}

/** The element `name` in `element`, when there is one and it has members. */
export function childOf(element: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = element === undefined || !Object.hasOwn(element, name) ? undefined : element[name];
  return isObject(value) ? value : undefined;
}

/** All elements `name` in `element`. */
export function childrenOf(element: JsonObject | undefined, name: string): readonly JsonObject[] {
  const value = element === undefined || !Object.hasOwn(element, name) ? undefined : element[name];
  return [value].flat().filter(isObject);
}

/** The text of the element `name` in `element`. */
export function xmlText(element: JsonObject | undefined, name: string): string | undefined {
  const value = element === undefined || !Object.hasOwn(element, name) ? undefined : element[name];
  return typeof value === "string" && value !== "" && value.length <= 1024 ? value : undefined;
}
