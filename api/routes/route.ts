import { OpenAPIHono, z } from "@hono/zod-openapi";
import { type ErrorCode, errors } from "#contract/error.ts";
import { Problem } from "#contract/service/problem.ts";
import type { AppEnv } from "../app-env.ts";
import { titleOf } from "../problem.ts";

/** An app of some routes. Paths are those below `/api/v1`; who mounts it hands down how faults of a request are answered. */
export function newRoutes() {
  return new OpenAPIHono<AppEnv>();
}

export type Routes = ReturnType<typeof newRoutes>;

/** An answer with a JSON document, for `responses`. */
export function answer<S extends z.ZodType>(schema: S, description: string, example: NoInfer<z.input<S>>) {
  return { description, content: { "application/json": { schema, example } } };
}

/** A body that must be there, for `request.body`. */
export function jsonBody<S extends z.ZodType>(schema: S, example: NoInfer<z.input<S>>) {
  return { required: true, content: { "application/json": { schema, example } } };
}

/** What every route may answer; those with a token also the codes that have to do with it. */
const always: readonly ErrorCode[] = ["request.invalid", "database.busy", "disk.full", "internal"];
const withToken: readonly ErrorCode[] = ["token.missing", "token.invalid", "token.denied", "request.rate-limited"];
const withBody: readonly ErrorCode[] = [
  "request.malformed",
  "request.too-large",
  "request.wrong-type",
  "request.timeout",
];

/**
 * The problems that a route may answer with, for `responses`. Handlers throw them, so that for types there are none.
 */
export function refusals(options: { also?: readonly ErrorCode[]; hasBody?: boolean } = {}) {
  const { also = [], hasBody = false } = options;
  const waits: ErrorCode[] = also.includes("store.failed") ? ["request.timeout"] : []; // only what waits for others takes long
  return refusalsOf([...always, ...withToken, ...(hasBody ? withBody : []), ...waits, ...also]);
}

/** The same with these problems alone. */
export function refusalsOf(all: readonly ErrorCode[]) {
  const codes = [...new Set(all)];
  const statuses = [...new Set(codes.map((code) => errors[code].status))].sort();
  const responses = statuses.map((status) => [
    status,
    problemResponse(codes.filter((code) => errors[code].status === status)),
  ]);
  return Object.fromEntries(responses) as Record<never, never>; // see above
}

function problemResponse(codes: ErrorCode[]) {
  const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    content: { "application/problem+json": { schema: Problem, examples } },
  };
}

/** In the components of the document, since every route has some of them. */
export function problemExample(code: ErrorCode): Problem {
  return {
    type: `/problems/${code}`,
    code,
    title: titleOf(code),
    status: errors[code].status,
    detail: "What happened to what.",
    hint: "What to do now.",
    instance: "/api/v1/jobs",
    requestId: "6b0f6f5e-5b3a-4a52-9c1e-0d6a3f1c2b4d",
  };
}

export const rangeHeaders = z.object({
  range: z.string().max(200).optional().openapi({ example: "bytes=0-1023" }),
  "if-none-match": z.string().max(1000).optional(),
  "if-range": z.string().max(200).optional(),
});

/** The answers of a route that sends bytes: all, a part, or not again. */
export function bytesAnswer(mediaType: string) {
  const content = { [mediaType]: { schema: z.string().openapi({ format: "binary" }) } };
  return {
    200: { description: "All bytes.", content },
    206: { description: "The bytes of the range.", content },
    304: { description: "The caller has them already." },
  };
}
