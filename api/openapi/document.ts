import { OpenApiGeneratorV31 } from "@asteasolutions/zod-to-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { type ErrorCode, errors } from "#contract/error.ts";
import type { AppEnv } from "../app-env.ts";
import { problemExample } from "../routes/route.ts";
import { meanings } from "../routes/service/problem-meanings.ts";
import { namedSchemas } from "./components.ts";

/** Of the API, not of Winnow: it changes when clients must know. */
const apiVersion = "1.0.0";

const description = `Slims container images: runs them, observes, rebuilds, verifies.

Sizes are bytes, times milliseconds UTC, durations end in \`Ms\`. Fields may be added to answers; requests take none that are not described here.
Every error is an \`application/problem+json\` document (RFC 9457) whose \`code\` is of a closed list: /problems explains each. Lists have pages: pass \`next\` as \`cursor\`.
A \`POST\` that creates something takes an \`Idempotency-Key\`: the same key gives the same answer for a day, and nothing is done twice.`;

const schemes = {
  token:
    "A token of a user or a machine (`wapi_…`, or `wreg_…` to register a runner). Roles are the scopes of which one is needed.",
  runner: "The token of one runner (`wrun_…`).",
  attempt: "The token of one attempt (`watt_…`): it dies with the attempt.",
};

type Responses = Record<string, { description?: string }>;
type Described = { responses: Responses; parameters?: unknown; requestBody?: unknown };

/** What follows from the whole of an operation and not from its route alone. */
function settle(method: string, { responses, parameters, requestBody }: Described): void {
  if (method !== "get") Object.assign(responses, { ...unaskedBody, ...responses });
  const hasNothingToCheck = parameters === undefined && requestBody === undefined;
  if (hasNothingToCheck && responses[422]?.description === "`request.invalid`") delete responses[422];
}

/** A body can come with each request that is no GET, also where none is taken: it is read, with the same limits. */
const unaskedBody: Responses = Object.fromEntries(
  (["request.timeout", "request.too-large"] as const).map((code) => [
    errors[code].status,
    {
      description: `\`${code}\``,
      content: {
        "application/problem+json": {
          schema: { $ref: "#/components/schemas/Problem" },
          examples: { [code]: { $ref: `#/components/examples/${code}` } },
        },
      },
    },
  ]),
);

/** The OpenAPI 3.1 document of an app's routes. */
export function openApiDocument(app: OpenAPIHono<AppEnv>) {
  const definitions = [...namedSchemas(), ...app.openAPIRegistry.definitions];
  const document = new OpenApiGeneratorV31(definitions).generateDocument({
    openapi: "3.1.0",
    info: {
      title: "Winnow",
      version: apiVersion,
      description,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "jobs", description: "Work on images, and what becomes of it." },
      { name: "artifacts", description: "What jobs stored." },
      { name: "images", description: "Repositories, and their sizes over time." },
      { name: "runners", description: "Hosts that do the work." },
      { name: "tokens", description: "Who may call." },
      { name: "service", description: "The server itself." },
      { name: "runner", description: "What runners call." },
      { name: "attempts", description: "What runners call for an attempt." },
    ],
  });
  const securitySchemes = Object.fromEntries(
    Object.entries(schemes).map(
      ([name, text]) => [name, { type: "http", scheme: "bearer", description: text }] as const,
    ),
  );
  const examples = Object.fromEntries(
    Object.keys(meanings).map((code) => [code, { value: problemExample(code as ErrorCode) }]),
  ); // its keys
  for (const item of Object.values(document.paths ?? {}))
    for (const [method, operation] of Object.entries(item as Record<string, Described>)) settle(method, operation);
  return withNullableReferences({ ...document, components: { ...document.components, securitySchemes, examples } });
}

/**
 * The generator writes a reference that may be null as `allOf` of the reference and `["object", "null"]`, which no null fits. Gives the
 * same document with `anyOf` of the reference and null.
 */
function withNullableReferences<T>(document: T): T {
  const text = JSON.stringify(document, (_key, value: unknown) => {
    const [reference, either, ...more] = allOf(value);
    const isNullable = reference?.$ref !== undefined && either?.type?.includes("null") && more.length === 0;
    return isNullable ? { anyOf: [reference, { type: "null" }] } : value;
  });
  return JSON.parse(text);
}

type Part = { $ref?: string; type?: string | string[] };

function allOf(value: unknown): Part[] {
  const isSchema = typeof value === "object" && value !== null && "allOf" in value && Array.isArray(value.allOf);
  return isSchema ? (value.allOf as Part[]) : []; // as the generator writes them
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;
