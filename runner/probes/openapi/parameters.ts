import { type ApiDocument, isNode, listOf, type Node, nodeOf, resolveNode } from "./document.ts";
import { sampleOf } from "./sample.ts";

/** A parameter of an operation with the value that a request gives it. */
export type Parameter = { name: string; in: string; value: unknown; node: Node };

/** The required parameters of an operation and its path (the operation's own come first), with values. Path parameters always are. */
export function parametersOf({ root }: ApiDocument, path: Node, operation: Node): Parameter[] {
  const found = new Map<string, Parameter>();
  for (const given of [...listOf(operation.parameters), ...listOf(path.parameters)]) {
    const node = resolveNode(root, given);
    if (!node || typeof node.name !== "string" || typeof node.in !== "string") continue;
    const key = `${node.in} ${node.name}`;
    if (found.has(key) || !(node.required === true || node.in === "path")) continue;
    found.set(key, { name: node.name, in: node.in, value: exampleValue(root, node), node });
  }
  return [...found.values()];
}

/** The example of a parameter or media type, else what its schema gives. In OpenAPI 2 a parameter is its own schema. */
export function exampleValue(root: Node, node: Node): unknown {
  if (node.example !== undefined) return node.example;
  const example = exampleOf(root, node);
  if (example !== undefined) return example;
  const [content] = Object.values(nodeOf(node.content));
  if (isNode(content)) return JSON.stringify(exampleValue(root, content));
  return sampleOf(root, node.schema ?? node);
}

function exampleOf(root: Node, { examples }: Node): unknown {
  const [first] = Object.values(nodeOf(examples));
  return resolveNode(root, first)?.value;
}

/** A value as one word of a path, header or cookie: lists by commas, objects as `a,1,b,2` (the `simple` style). */
export function wordOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordOf).join(",");
  if (isNode(value)) return Object.entries(value).flat().map(wordOf).join(",");
  return String(value ?? "");
}

/** A query parameter as the pairs that it is sent as: `form` or `deepObject` style, or by OpenAPI 2's collection format. */
export function queryPairs(version: 2 | 3, { name, value, node }: Parameter): [string, string][] {
  if (Array.isArray(value)) {
    const isRepeated = version === 2 ? node.collectionFormat === "multi" : node.explode !== false;
    return isRepeated ? value.map((one) => [name, wordOf(one)]) : [[name, wordOf(value)]];
  }
  if (!isNode(value)) return [[name, wordOf(value)]];
  const isDeep = node.style === "deepObject";
  if (!isDeep && node.explode === false) return [[name, wordOf(value)]];
  return Object.entries(value).map(([key, one]) => [isDeep ? `${name}[${key}]` : key, wordOf(one)]);
}
