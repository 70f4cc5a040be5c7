import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../app-env.ts";
import { nameComponents } from "./components.ts";

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

/** The OpenAPI 3.1 document of an app's routes. */
export function openApiDocument(app: OpenAPIHono<AppEnv>) {
  nameComponents();
  const document = app.getOpenAPI31Document({
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
      { name: "protocol", description: "What runners call." },
    ],
  });
  const securitySchemes = Object.fromEntries(
    Object.entries(schemes).map(
      ([name, text]) => [name, { type: "http", scheme: "bearer", description: text }] as const,
    ),
  );
  return { ...document, components: { ...document.components, securitySchemes } };
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;
