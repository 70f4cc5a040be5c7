import { parse } from "yaml";

/** An object of a document; what it holds is looked at, not trusted. */
export type Node = Record<string, unknown>;

export type ApiDocument = { version: 2 | 3; root: Node };

/** Longer documents are not parsed: it would take seconds in which nothing else happens. */
export const maxDocumentLength = 4 << 20;

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const nodeOf = (value: unknown): Node => (isNode(value) ? value : {});

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/**
 * Reads an OpenAPI 2 or 3 document from JSON or YAML. Gives undefined for everything else: whoever looks at well-known paths
 * gets many an HTML page. YAML aliases are bounded by the parser.
 */
export function parseApiDocument(text: string): ApiDocument | undefined {
  if (text.length > maxDocumentLength || !/["']?(?:openapi|swagger)["']?\s*:/.test(text)) return undefined;
  const root = parsed(text);
  if (!isNode(root) || !isNode(root.paths)) return undefined;
  if (/^2\./.test(String(root.swagger))) return { version: 2, root };
  return /^3\./.test(String(root.openapi)) ? { version: 3, root } : undefined;
}

function parsed(text: string): unknown {
  try {
    return /^\s*\{/.test(text) ? JSON.parse(text) : parse(text, { logLevel: "silent" });
  } catch {
    return undefined;
  }
}

/** Chains of references are followed this far. */
const maxHops = 20;

/**
 * The node that `value` is or refers to. References into other documents lead nowhere: an image's own text must not make us
 * read files or call hosts, which is what the libraries for it do. RFC 6901.
 */
export function resolveNode(root: Node, value: unknown): Node | undefined {
  let node = value;
  for (let hops = 0; hops < maxHops; hops++) {
    if (!isNode(node)) return undefined;
    const { $ref } = node;
    if (typeof $ref !== "string") return node;
    node = pointed(root, $ref);
  }
  return undefined;
}

function pointed(root: Node, reference: string): unknown {
  if (!reference.startsWith("#/") || reference.length > 1000) return undefined;
  let at: unknown = root;
  for (const step of reference.slice(2).split("/")) {
    const key = unescapedUri(step).replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Node)[key]; // an object or a list, and the key is its own
  }
  return at;
}

function unescapedUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
