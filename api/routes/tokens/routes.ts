import { createRoute, z } from "@hono/zod-openapi";
import { IssuedToken, NewToken, TokenList } from "#contract/service/token.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { issueToken } from "../../db/issue-token.ts";
import { listTokens } from "../../db/list-tokens.ts";
import { revokeToken } from "../../db/revoke-token.ts";
import { idempotencyHeader, idempotent } from "../../middleware/idempotent.ts";
import { tokenExample } from "../examples.ts";
import { answer, jsonBody, newRoutes, refusals } from "../route.ts";

const listRoute = createRoute({
  method: "get",
  path: "/tokens",
  tags: ["tokens"],
  summary: "All tokens, without the tokens themselves",
  ...allow("admin"),
  responses: { 200: answer(TokenList, "Oldest first.", { tokens: [tokenExample] }), ...refusals() },
});

const issueRoute = createRoute({
  method: "post",
  path: "/tokens",
  tags: ["tokens"],
  summary: "Issue a token",
  ...allow("admin"),
  request: { headers: idempotencyHeader, body: jsonBody(NewToken, { name: "ci", scope: "submit" }) },
  responses: {
    201: answer(IssuedToken, "The token. It is shown here and never again.", {
      ...tokenExample,
      token: `wapi_${"A".repeat(43)}000000`,
    }),
    ...refusals({ hasBody: true, also: ["idempotency.mismatch"] }),
  },
});

const revokeRoute = createRoute({
  method: "delete",
  path: "/tokens/{id}",
  tags: ["tokens"],
  summary: "Revoke a token",
  ...allow("admin"),
  request: {
    params: z.object({
      id: z
        .string()
        .regex(/^tok_[0-9a-z]{1,40}$/, "write the id of a token, tok_…")
        .openapi({ example: tokenExample.id }),
    }),
  },
  responses: { 204: { description: "It is void." }, ...refusals({ also: ["token.not-found", "token.last"] }) },
});

export function tokenRoutes(deps: AppDeps) {
  const { db, now } = deps;
  return newRoutes()
    .openapi(listRoute, (c) => c.json({ tokens: listTokens(db) }, 200))
    .openapi(issueRoute, (c) => {
      const body = c.req.valid("json");
      const { answer } = idempotent(c, deps, body, (tx) => ({
        status: 201,
        answer: issueToken(tx, { ...body, now: now() }),
      }));
      c.set("object", answer.id);
      return c.json(answer, 201);
    })
    .openapi(revokeRoute, (c) => {
      revokeToken(db, { id: c.req.valid("param").id, now: now() });
      return c.body(null, 204);
    });
}
