// For tests: what the OpenAPI document says, as lists to go through, and a judge of answers.
import { Ajv2020 } from "ajv/dist/2020.js";
import type { OpenApiDocument } from "./document.ts";

type Media = { schema?: unknown; example?: unknown; examples?: Record<string, { value?: unknown; $ref?: string }> };
type Parameter = { name: string; in: "path" | "query" | "header"; required?: boolean; schema?: { type?: unknown } };
type Written = {
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content?: Record<string, Media> }>;
};

export type Operation = Written & {
  /** `GET /api/v1/jobs/{id}`. */
  name: string;
  method: string;
  path: string;
  /** Who may call it: a scheme and the scope of a token. Undefined: everybody. */
  needs: { scheme: string; scope: string | undefined } | undefined;
};

/** Every operation of the document. */
export function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Written>).map(([method, written]) => {
      const [first] = written.security ?? [];
      const [needs] = Object.entries(first ?? {}).map(([scheme, [scope]]) => ({ scheme, scope }));
      return { ...written, name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, needs };
    }),
  );
}

/** The path with its parameters filled in. */
export function fillPath(path: string, values: Record<string, string>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(values[name] ?? "none"));
}

/** Judges answers by the document. Gives what is wrong with one, or undefined. */
export function makeJudge(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
  ajv.addSchema({ $id: "document", ...document });
  const pointer = (...parts: string[]) =>
    `document#/${parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
  const fits = (schemaAt: string, value: unknown): string | undefined => {
    const validate = ajv.getSchema(schemaAt);
    if (!validate) throw new Error(`no schema at ${schemaAt}`);
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  };
  const responseAt = ({ path, method }: Operation, status: string, mediaType: string) =>
    pointer("paths", path, method.toLowerCase(), "responses", status, "content", mediaType, "schema");
  return {
    fits,
    responseAt,
    bodyAt: ({ path, method }: Operation, mediaType: string) =>
      pointer("paths", path, method.toLowerCase(), "requestBody", "content", mediaType, "schema"),
    async faultOf(operation: Operation, answer: Response): Promise<string | undefined> {
      const text = await answer.text();
      const described = operation.responses[String(answer.status)];
      const where = `${operation.name} ${answer.status}`;
      if (!described) return `${where} is not documented: ${text.slice(0, 300)}`;
      if (text === "") return undefined;
      const mediaType = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
      if (!described.content?.[mediaType]) return `${where} came as ${mediaType || "nothing"}: ${text.slice(0, 100)}`;
      if (!/json$/.test(mediaType) || described.content[mediaType].schema === undefined) return undefined;
      const fault = fits(responseAt(operation, String(answer.status), mediaType), JSON.parse(text));
      return fault && `${where}: ${fault}: ${text.slice(0, 300)}`;
    },
  };
}
