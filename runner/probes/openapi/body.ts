import { type ApiDocument, isNode, listOf, type Node, nodeOf, resolveNode } from "./document.ts";
import { exampleValue, parametersOf, wordOf } from "./parameters.ts";

/** A request's body and its type. */
export type Body = { contentType: string; text: string };

const boundary = "winnow-boundary";

/** Bodies in the order in which we would rather send them. Others, images for one, are not made. */
const makers: [type: RegExp, make: (value: unknown) => string][] = [
  [/^application\/(?:[\w.+-]+\+)?json\b/i, (value) => JSON.stringify(value) ?? "null"],
  [/^application\/x-www-form-urlencoded\b/i, (value) => new URLSearchParams(fieldsOf(value)).toString()],
  [/^multipart\/form-data\b/i, multipart],
  [/^text\/plain\b/i, wordOf],
];

/** The body that an operation wants, or undefined: it wants none, or one that cannot be made here. */
export function bodyOf(document: ApiDocument, path: Node, operation: Node): Body | undefined {
  const content = document.version === 3 ? contentOf3(document.root, operation) : contentOf2(document, path, operation);
  for (const [type, make] of makers) {
    for (const [contentType, value] of content) {
      if (!type.test(contentType)) continue;
      const isMultipart = /^multipart\//i.test(contentType);
      return {
        contentType: isMultipart ? `multipart/form-data; boundary=${boundary}` : contentType,
        text: make(value()),
      };
    }
  }
  return undefined;
}

type Content = [contentType: string, value: () => unknown][];

function contentOf3(root: Node, { requestBody }: Node): Content {
  const content = nodeOf(resolveNode(root, requestBody)?.content);
  return Object.entries(content).map(([type, media]) => [type, () => exampleValue(root, nodeOf(media))]);
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
    ]);
  if (!all.some((one) => one?.in === "formData")) return [];
  const fields = parametersOf(document, path, operation).filter((one) => one.in === "formData");
  const value = () => Object.fromEntries(fields.map((field) => [field.name, field.value]));
  const hasFile = all.some((one) => one?.type === "file");
  return [[hasFile ? "multipart/form-data" : "application/x-www-form-urlencoded", value]];
}

const fieldsOf = (value: unknown): [string, string][] =>
  isNode(value)
    ? Object.entries(value).map(([name, one]) => [name, isNode(one) ? JSON.stringify(one) : wordOf(one)])
    : [];

/** RFC 7578. Every field is sent as a text. */
function multipart(value: unknown): string {
  const parts = fieldsOf(value).map(([name, text]) => {
    const quoted = name.replace(/["\r\n]/g, (one) => encodeURIComponent(one));
    return `--${boundary}\r\ncontent-disposition: form-data; name="${quoted}"\r\n\r\n${text}\r\n`;
  });
  return `${parts.join("")}--${boundary}--\r\n`;
}
