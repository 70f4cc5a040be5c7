import { listOf, type Node, nodeOf, resolveNode } from "./document.ts";

/** How deep values nest, and how many parts all of one value may have: a small schema can describe an endless one. */
const maxDepth = 10;
const maxParts = 500;

const maxStringLength = 1000;
const maxItems = 5;

/** Fixed, so that every run sends the same. */
const stringOf: Record<string, string> = {
  date: "2024-01-02",
  "date-time": "2024-01-02T03:04:05Z",
  time: "03:04:05Z",
  duration: "P1D",
  uuid: "00000000-0000-4000-8000-000000000001",
  email: "user@example.org",
  "idn-email": "user@example.org",
  uri: "http://localhost/",
  url: "http://localhost/",
  "uri-reference": "/",
  hostname: "localhost",
  ipv4: "127.0.0.1",
  ipv6: "::1",
  byte: "YQ==",
  binary: "a",
  "json-pointer": "/a",
};

/**
 * A value that fits a JSON schema: its constant, example, default or first choice, else one made by its type and format.
 * Objects get their required properties only. The same schema always gives the same value; loops of `$ref` end in null.
 */
export function sampleOf(root: Node, schema: unknown): unknown {
  return sample({ root, parts: 0 }, schema, 0);
}

type Making = { root: Node; parts: number };

function sample(making: Making, given: unknown, depth: number): unknown {
  const schema = resolveNode(making.root, given);
  if (++making.parts > maxParts || !schema || depth > maxDepth) return null;
  for (const key of ["const", "example", "default"]) if (schema[key] !== undefined) return schema[key];
  const [first] = [...listOf(schema.examples), ...listOf(schema.enum)];
  if (first !== undefined) return first;
  const choice = listOf(schema.oneOf)[0] ?? listOf(schema.anyOf)[0];
  if (choice !== undefined && typeOf(schema) === undefined) return sample(making, choice, depth + 1);
  if (Array.isArray(schema.allOf)) return sample(making, merged(making.root, schema), depth + 1);
  switch (typeOf(schema)) {
    case "object":
      return objectOf(making, schema, depth);
    case "array":
      return arrayOf(making, schema, depth);
    case "integer":
      return Math.ceil(numberOf(schema));
    case "number":
      return numberOf(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return textOf(schema);
  }
}

/** The type that a schema names or implies by its other words. */
function typeOf(schema: Node): string | undefined {
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (typeof type === "string") return type;
  if (schema.properties !== undefined) return "object";
  return schema.items === undefined ? undefined : "array";
}

/** `allOf` as one schema: properties and required names of all parts, other words of the last that has them. */
function merged(root: Node, { allOf, ...own }: Node): Node {
  const parts = [...listOf(allOf).slice(0, 20), own].map((part) => nodeOf(resolveNode(root, part)));
  const nested = parts.map((part, index) =>
    index < parts.length - 1 && Array.isArray(part.allOf)
      ? { ...part, allOf: undefined, ...flattened(root, part.allOf) }
      : part,
  );
  return {
    ...Object.assign({}, ...nested),
    allOf: undefined,
    properties: Object.assign({}, ...nested.map((part) => nodeOf(part.properties))),
    required: nested.flatMap((part) => listOf(part.required)),
  };
}

/** One more level of `allOf`; deeper ones are left out, as hand-written documents have none. */
function flattened(root: Node, allOf: readonly unknown[]): Node {
  const parts = allOf.slice(0, 20).map((part) => nodeOf(resolveNode(root, part)));
  return {
    properties: Object.assign({}, ...parts.map((part) => nodeOf(part.properties))),
    required: parts.flatMap((part) => listOf(part.required)),
  };
}

function objectOf(making: Making, schema: Node, depth: number): Node {
  const properties = nodeOf(schema.properties);
  const made: Node = {};
  for (const name of listOf(schema.required)) {
    if (typeof name !== "string" || Object.hasOwn(made, name) || making.parts > maxParts) continue;
    const property = Object.hasOwn(properties, name) ? properties[name] : {};
    if (resolveNode(making.root, property)?.readOnly === true) continue;
    // defined, not assigned: a property may be called __proto__
    const value = sample(making, property, depth + 1);
    Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return made;
}

function arrayOf(making: Making, schema: Node, depth: number): unknown[] {
  const wanted = typeof schema.minItems === "number" ? schema.minItems : 1;
  const length = Math.min(maxItems, Math.max(0, wanted));
  return Array.from({ length }, () => sample(making, schema.items ?? {}, depth + 1));
}

/** The smallest number that the bounds allow, or 1. */
function numberOf(schema: Node): number {
  const number = (key: string) => (typeof schema[key] === "number" ? schema[key] : undefined);
  const step = number("multipleOf") ?? 1;
  const exclusive = schema.exclusiveMinimum;
  const lowest = typeof exclusive === "number" ? exclusive + step : number("minimum");
  const highest = number("maximum") ?? number("exclusiveMaximum");
  const least = exclusive === true && lowest !== undefined ? lowest + step : lowest;
  const value =
    least !== undefined && least > 1 ? least : highest !== undefined && highest < 1 ? (least ?? highest) : 1;
  return step > 0 && step !== 1 ? Math.ceil(value / step) * step : value;
}

function textOf({ format, minLength, maxLength }: Node): string {
  const text = (typeof format === "string" && Object.hasOwn(stringOf, format) && stringOf[format]) || "string";
  const least = typeof minLength === "number" ? Math.min(minLength, maxStringLength) : 0;
  const long = text.length < least ? text.padEnd(least, "a") : text;
  return typeof maxLength === "number" && maxLength >= 0 ? long.slice(0, maxLength) : long;
}
