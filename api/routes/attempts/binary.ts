import { z } from "@hono/zod-openapi";

/** Bytes as they are, for `request.body`. They are not read before the handler does. */
export const binary = {
  required: true,
  content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
};
