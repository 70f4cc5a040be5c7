import { type ApiDocument, isNode, listOf, type Node, nodeOf, resolveNode } from "./document.ts";
import { exampleValue, parametersOf, wordOf } from "./parameters.ts";

/** A request's body and its type. */
export type Body = { contentType: string; text: string };

const boundary = "winnow-boundary";

/** Bodies in the order in which we would rather send them. Others, images for one, are not made. */
const makers: [type: RegExp, make: (value: unknown, files: ReadonlySet<string>) => string][] = [
  [/^application\/(?:[\w.+-]+\+)?json\b/i, (value) => JSON.stringify(value) ?? "null"],
  [/^application\/x-www-form-urlencoded\b/i, (value) => new URLSearchParams(fieldsOf(value)).toString()],
  [/^multipart\/form-data\b/i, multipart],
  [/^text\/plain\b/i, wordOf],
];

/** The body that an operation wants, or undefined: it wants none, or one that cannot be made here. */
export function bodyOf(document: ApiDocument, path: Node, operation: Node): Body | undefined {
  const content = document.version === 3 ? contentOf3(document.root, operation) : contentOf2(document, path, operation);
  for (const [type, make] of makers) {
    for (const [contentType, value, files] of content) {
      if (!type.test(contentType)) continue;
      const isMultipart = /^multipart\//i.test(contentType);
      return {
        contentType: isMultipart ? `multipart/form-data; boundary=${boundary}` : contentType,
        text: make(value(), files),
      };
    }
  }
  return undefined;
}

/** What a request may hold: its type, its value, and the fields of a form that are files. */
type Content = [contentType: string, value: () => unknown, files: ReadonlySet<string>][];

const none: ReadonlySet<string> = new Set();

function contentOf3(root: Node, { requestBody }: Node): Content {
  const content = nodeOf(resolveNode(root, requestBody)?.content);
  return Object.entries(content).map(([type, media]) => [
    type,
    () => exampleValue(root, nodeOf(media)),
    filesOf(root, nodeOf(media).schema),
  ]);
}

/** OpenAPI 2 has one parameter `in: body`, or one `in: formData` for each field. */
function contentOf2(document: ApiDocument, path: Node, operation: Node): Content {
  const { root } = document;
  const all = [...listOf(operation.parameters), ...listOf(path.parameters)].map((one) => resolveNode(root, one));
  const consumes = listOf(operation.consumes ?? root.consumes).filter((one) => typeof one === "string");
  const body = all.find((one) => one?.in === "body");
  if (body)
    return (consumes.length > 0 ? consumes : ["application/json"]).map((type) => [
      type,
      () => exampleValue(root, body),
      none,
    ]);
  if (!all.some((one) => one?.in === "formData")) return [];
  const fields = parametersOf(document, path, operation).filter((one) => one.in === "formData");
  const value = () => Object.fromEntries(fields.map((field) => [field.name, field.value]));
  const files = new Set(fields.filter(({ node }) => node.type === "file").map(({ name }) => name));
  return [[files.size > 0 ? "multipart/form-data" : "application/x-www-form-urlencoded", value, files]];
}

/** Properties that hold the bytes of a file, or a list of them: by `format` in OpenAPI 3.0, by media type in 3.1. */
function filesOf(root: Node, schema: unknown): ReadonlySet<string> {
  const isFile = (given: unknown): boolean => {
    const node = nodeOf(resolveNode(root, given));
    return node.format === "binary" || node.contentMediaType !== undefined;
  };
  const properties = Object.entries(nodeOf(resolveNode(root, schema)?.properties));
  const files = properties.filter(([, one]) => isFile(one) || isFile(resolveNode(root, one)?.items));
  return new Set(files.map(([name]) => name));
}

const fieldsOf = (value: unknown): [string, string][] =>
  isNode(value)
    ? Object.entries(value).map(([name, one]) => [name, isNode(one) ? JSON.stringify(one) : wordOf(one)])
    : [];

/** RFC 7578. A file is a short text file. */
function multipart(value: unknown, files: ReadonlySet<string>): string {
  const parts = fieldsOf(value).map(([name, text]) => {
    const quoted = name.replace(/["\r\n]/g, (one) => encodeURIComponent(one));
    const file = files.has(name) ? '; filename="a.txt"\r\ncontent-type: text/plain' : "";
    return `--${boundary}\r\ncontent-disposition: form-data; name="${quoted}"${file}\r\n\r\n${text}\r\n`;
  });
  return `${parts.join("")}--${boundary}--\r\n`;
}
